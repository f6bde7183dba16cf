// What linear layers need beside their products.
#include "fettle.cuh"

// Column sums of dy, for the gradients of biases: over fixed groups of rows first, then over the groups. Thread x sums one column over rows [blockIdx.y * group, ...) into partial [groups, columns].
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

// Rows of 8 values where strides and addresses allow, single values otherwise; grid-stride.
extern "C" __global__ void copy_matrix(X *to, i32 ldto, const X *from, i32 ldfrom, i32 rows, i32 columns, float alpha) {
  i64 thread = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x, threads = static_cast<i64>(gridDim.x) * blockDim.x;
  u64 addresses = reinterpret_cast<u64>(to) | reinterpret_cast<u64>(from);
  if (((ldto | ldfrom | columns) & 7) == 0 && (addresses & 15) == 0) {
    int groups = columns / 8;
    for (i64 i = thread; i < static_cast<i64>(rows) * groups; i += threads) {
      i64 row = i / groups, column = (i - row * groups) * 8;
      float x[8];
      load8(from + row * ldfrom + column, x);
      for (int j = 0; j < 8; j++) x[j] *= alpha;
      store8(to + row * ldto + column, x);
    }
  } else {
    for (i64 i = thread; i < static_cast<i64>(rows) * columns; i += threads) {
      i64 row = i / columns, column = i - row * columns;
      store(to + row * ldto + column, alpha * to_f32(from[row * ldfrom + column]));
    }
  }
}
