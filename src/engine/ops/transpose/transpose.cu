// Tiles of 64 x 64 values through shared memory: both sides move whole lines.
#include "fettle.cuh"

constexpr int EDGE = 64;
constexpr int THREADS = 256;

extern "C" __global__ void __launch_bounds__(THREADS)
    transpose(X *to, i32 ldto, const X *from, i32 ldfrom, i32 rows, i32 columns) {
  __shared__ X tile[EDGE][EDGE + 2];
  int left = blockIdx.x * EDGE, top = blockIdx.y * EDGE;
  int along = threadIdx.x % EDGE, across = threadIdx.x / EDGE;
  for (int i = across; i < EDGE; i += THREADS / EDGE) {
    if (top + i < rows && left + along < columns)
      tile[i][along] = from[static_cast<i64>(top + i) * ldfrom + left + along];
  }
  __syncthreads();
  for (int j = across; j < EDGE; j += THREADS / EDGE) {
    if (left + j < columns && top + along < rows)
      to[static_cast<i64>(left + j) * ldto + top + along] = tile[along][j];
  }
}
