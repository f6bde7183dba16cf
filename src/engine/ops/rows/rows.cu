// Y: rows in the order of the index; X: rows that the index points to. Slices of 8 * blockDim.x columns along y.
#include "fettle.cuh"

__device__ __forceinline__ i64 first_column() { return (static_cast<i64>(blockIdx.y) * blockDim.x + threadIdx.x) * 8; }

extern "C" __global__ void gather_rows(Y *y, const X *x, const i32 *index, i32 width, float scale) {
  i64 column = first_column(), count = width - column;
  float value[8];
  load8(x + static_cast<i64>(index[blockIdx.x]) * width + column, value, count);
#pragma unroll
  for (int i = 0; i < 8; i++) value[i] *= scale;
  store8(y + static_cast<i64>(blockIdx.x) * width + column, value, count);
}

// Sorts an index stably by counting for each entry those that come before it: `position` lists the entries by the row
// that they point to, `target` those rows. A warp places `PLACED` entries.
constexpr int PLACED = 4;

extern "C" __global__ void sort_index(i32 *position, i32 *target, const i32 *index, i32 count) {
  int lane = threadIdx.x % WARP, first = (blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP) * PLACED;
  int own[PLACED], before[PLACED];
#pragma unroll
  for (int k = 0; k < PLACED; k++) own[k] = first + k < count ? index[first + k] : 0, before[k] = 0;
  for (int i = lane; i < count; i += WARP) {
    int other = index[i];
#pragma unroll
    for (int k = 0; k < PLACED; k++) before[k] += other < own[k] || (other == own[k] && i < first + k);
  }
#pragma unroll
  for (int k = 0; k < PLACED; k++) {
    for (int lanes = WARP / 2; lanes > 0; lanes /= 2) before[k] += __shfl_xor_sync(ALL_LANES, before[k], lanes);
    if (lane == 0 && first + k < count) position[before[k]] = first + k, target[before[k]] = own[k];
  }
}

// The first block of each run of equal targets adds the rows of the whole run, in order.
extern "C" __global__ void scatter_rows(X *dx, const Y *dy, const i32 *position, const i32 *target, i32 count,
                                        i32 width, float scale) {
  int begin = blockIdx.x, row = target[begin];
  if (begin > 0 && target[begin - 1] == row) return;
  i64 column = first_column(), columns = width - column;
  float sum[8] = {};
  for (int i = begin; i < count && target[i] == row; i++) {
    float value[8];
    load8(dy + static_cast<i64>(position[i]) * width + column, value, columns);
#pragma unroll
    for (int e = 0; e < 8; e++) sum[e] += value[e];
  }
  X *to = dx + static_cast<i64>(row) * width + column;
  float value[8];
  load8(to, value, columns);
#pragma unroll
  for (int e = 0; e < 8; e++) value[e] += scale * sum[e];
  store8(to, value, columns);
}
