// Column sums of dy, for the gradients of biases: over fixed groups of rows first, then over the groups.
#include "fettle.cuh"

// Thread x sums one column over rows [blockIdx.y * group, ...) into partial [groups, columns].
extern "C" __global__ void column_sums(float *partial, const X *dy, i32 rows, i32 columns, i32 ld, i32 group) {
  int column = blockIdx.x * blockDim.x + threadIdx.x;
  if (column >= columns) return;
  int begin = blockIdx.y * group, end = min(begin + group, rows);
  float sum = 0;
  for (int row = begin; row < end; row++) sum += to_f32(dy[static_cast<i64>(row) * ld + column]);
  partial[static_cast<i64>(blockIdx.y) * columns + column] = sum;
}

extern "C" __global__ void add_column_sums(G *sums, const float *partial, i32 groups, i32 columns) {
  int column = blockIdx.x * blockDim.x + threadIdx.x;
  if (column >= columns) return;
  float sum = 0;
  for (int g = 0; g < groups; g++) sum += partial[static_cast<i64>(g) * columns + column];
  store(sums + column, to_f32(sums[column]) + sum);
}
