// Rows normalised by groups of threads: GROUP threads share a row and keep it in registers, each up to VECTORS times
// eight columns. Groups within a warp lie several to a block, a larger one is a block. `shareRows` of ops/cuda-grid.ts
// chooses both.
#pragma once
#include "fettle.cuh"

constexpr int THREADS = GROUP <= WARP ? 256 : GROUP, GROUPS = THREADS / GROUP;

__device__ __forceinline__ float group_sum(float x, float *parts) {
  if constexpr (GROUP > WARP) return block_sum(x, parts);
  for (int lanes = GROUP / 2; lanes > 0; lanes /= 2) x += __shfl_xor_sync(ALL_LANES, x, lanes);
  return x;
}

// Where this thread's vector `v` begins in the row.
__device__ __forceinline__ int column_of(int v) { return (v * GROUP + static_cast<int>(threadIdx.x) % GROUP) * 8; }

// Adds up what the groups of a block have summed, in their order, and stores it: [width].
// `sums`: THREADS * 8 floats of shared memory. All threads must call it.
__device__ __forceinline__ void store_block_sums(float *to, float (*values)[8], i32 width, float *sums) {
#pragma unroll
  for (int v = 0; v < VECTORS; v++) {
    if constexpr (GROUPS > 1) {
      __syncthreads();
      for (int i = 0; i < 8; i++) sums[threadIdx.x * 8 + i] = values[v][i];
      __syncthreads();
      if (threadIdx.x >= GROUP) continue;
      for (int group = 1; group < GROUPS; group++) {
        for (int i = 0; i < 8; i++) values[v][i] += sums[(group * GROUP + threadIdx.x) * 8 + i];
      }
    }
    store8(to + column_of(v), values[v], width - column_of(v));
  }
}

// to [width] += the sum of the rows of partials [rows, stride], always in the same order; 32 columns a block of 256
// threads.
template <typename T>
__device__ __forceinline__ void add_partials(T *to, const float *partials, i32 rows, i32 width, i32 stride) {
  __shared__ float sums[8][WARP];
  int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, column = blockIdx.x * WARP + lane;
  float sum = 0;
  if (column < width) {
#pragma unroll 8
    for (int row = warp; row < rows; row += 8) sum += partials[static_cast<i64>(row) * stride + column];
  }
  sums[warp][lane] = sum;
  __syncthreads();
  if (warp > 0 || column >= width) return;
  for (int other = 1; other < 8; other++) sum += sums[other][lane];
  store(to + column, to_f32(to[column]) + sum);
}
