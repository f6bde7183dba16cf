// With G, the dtype of the weight's gradient, the backward pass also sums that: each block over its rows, then
// sum_dweight over the blocks.
#include "row-groups.cuh"

extern "C" __global__ void __launch_bounds__(THREADS) rmsnorm_forward(X *y, float *rstd, const X *x, const W *weight,
                                                                      i64 rows, i32 width, float eps, float offset) {
  __shared__ float parts[WARP];
  i64 row = static_cast<i64>(blockIdx.x) * GROUPS + threadIdx.x / GROUP, at = row * width;
  i32 columns = row < rows ? width : 0;
  float values[VECTORS][8], sum = 0;
#pragma unroll
  for (int v = 0; v < VECTORS; v++) load8(x + at + column_of(v), values[v], columns - column_of(v));
#pragma unroll
  for (int v = 0; v < VECTORS; v++) {
    for (int i = 0; i < 8; i++) sum += values[v][i] * values[v][i];
  }
  float scale = rsqrtf(group_sum(sum, parts) / width + eps);
  if (row < rows && threadIdx.x % GROUP == 0) rstd[row] = scale;
#pragma unroll
  for (int v = 0; v < VECTORS; v++) {
    float w[8];
    load8(weight + column_of(v), w, columns - column_of(v));
    for (int i = 0; i < 8; i++) values[v][i] *= scale * (w[i] + offset);
    store8(y + at + column_of(v), values[v], columns - column_of(v));
  }
}

// A thread's part of one row: dx where it is wanted (see rmsnorm.reference.ts), and its share of dweight.
struct Backward {
  X *dx;
  const X *dy, *x;
  const W *weight;
  const float *rstd;
  i64 rows;
  i32 width;
  float offset;

  template <bool sum_dweight>
  __device__ __forceinline__ void row(i64 row, float (*dweight)[8], float *parts) const {
    i64 at = row * width;
    i32 columns = row < rows ? width : 0;
    float scale = row < rows ? rstd[row] : 0.f, xs[VECTORS][8], dys[VECTORS][8], projection = 0;
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
      load8(x + at + column_of(v), xs[v], columns - column_of(v));
      load8(dy + at + column_of(v), dys[v], columns - column_of(v));
    }
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
      float w[8];
      load8(weight + column_of(v), w, columns - column_of(v));
      for (int i = 0; i < 8; i++) {
        if (sum_dweight) dweight[v][i] += dys[v][i] * xs[v][i] * scale;
        dys[v][i] *= w[i] + offset;
        projection += dys[v][i] * xs[v][i];
      }
    }
    if (dx == nullptr) return;
    float shared = group_sum(projection, parts) * scale * scale * scale / width;
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
      for (int i = 0; i < 8; i++) dys[v][i] = dys[v][i] * scale - xs[v][i] * shared;
      store8(dx + at + column_of(v), dys[v], columns - column_of(v));
    }
  }
};

#ifndef G

extern "C" __global__ void __launch_bounds__(THREADS) rmsnorm_backward(X *dx, const X *dy, const X *x, const W *weight,
                                                                       const float *rstd, i64 rows, i32 width,
                                                                       float offset) {
  __shared__ float parts[WARP];
  Backward pass{dx, dy, x, weight, rstd, rows, width, offset};
  pass.row<false>(static_cast<i64>(blockIdx.x) * GROUPS + threadIdx.x / GROUP, nullptr, parts);
}

#else

// partials: [blocks, width]
extern "C" __global__ void __launch_bounds__(THREADS)
    rmsnorm_backward_dweight(X *dx, float *partials, const X *dy, const X *x, const W *weight, const float *rstd,
                             i64 rows, i32 width, float offset) {
  __shared__ float parts[WARP], sums[THREADS * 8];
  Backward pass{dx, dy, x, weight, rstd, rows, width, offset};
  float dweight[VECTORS][8] = {};
  for (i64 first = static_cast<i64>(blockIdx.x) * GROUPS; first < rows; first += static_cast<i64>(gridDim.x) * GROUPS) {
    pass.row<true>(first + threadIdx.x / GROUP, dweight, parts);
  }
  store_block_sums(partials + static_cast<i64>(blockIdx.x) * width, dweight, width, sums);
}

extern "C" __global__ void rmsnorm_sum_dweight(G *dweight, const float *partials, i32 blocks, i32 width) {
  add_partials(dweight, partials, blocks, width, width);
}

#endif
