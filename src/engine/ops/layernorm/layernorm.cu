// With G, the dtype of the parameters' gradients, the backward pass also sums those: each block over its rows, then
// layernorm_sum over the blocks.
#include "row-groups.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
    layernorm_forward(X *y, float *mean, float *rstd, const X *x, const W *weight, const B *bias, i64 rows, i32 width,
                      float eps) {
  __shared__ float parts[WARP];
  i64 row = static_cast<i64>(blockIdx.x) * GROUPS + threadIdx.x / GROUP, at = row * width;
  i32 columns = row < rows ? width : 0;
  float values[VECTORS][8], sum = 0, squares = 0;
#pragma unroll
  for (int v = 0; v < VECTORS; v++) load8(x + at + column_of(v), values[v], columns - column_of(v));
#pragma unroll
  for (int v = 0; v < VECTORS; v++) {
    for (int i = 0; i < 8; i++) sum += values[v][i];
  }
  float center = group_sum(sum, parts) / width;
#pragma unroll
  for (int v = 0; v < VECTORS; v++) {
    for (int i = 0; i < 8; i++) {
      values[v][i] -= center;
      if (column_of(v) + i < columns) squares += values[v][i] * values[v][i];
    }
  }
  float scale = rsqrtf(group_sum(squares, parts) / width + eps);
  if (row < rows && threadIdx.x % GROUP == 0) mean[row] = center, rstd[row] = scale;
#pragma unroll
  for (int v = 0; v < VECTORS; v++) {
    float w[8], b[8] = {};
    load8(weight + column_of(v), w, columns - column_of(v));
    if (bias != nullptr) load8(bias + column_of(v), b, columns - column_of(v));
    for (int i = 0; i < 8; i++) values[v][i] = values[v][i] * scale * w[i] + b[i];
    store8(y + at + column_of(v), values[v], columns - column_of(v));
  }
}

// A thread's part of one row: dx where it is wanted (see layernorm.reference.ts), and its shares of dweight and dbias.
struct Backward {
  X *dx;
  const X *dy, *x;
  const W *weight;
  const float *mean, *rstd;
  i64 rows;
  i32 width;

  template <bool sum_parameters>
  __device__ __forceinline__ void row(i64 row, float (*dweight)[8], float (*dbias)[8], float *parts) const {
    i64 at = row * width;
    i32 columns = row < rows ? width : 0;
    float center = row < rows ? mean[row] : 0.f, scale = row < rows ? rstd[row] : 0.f;
    float xs[VECTORS][8], dys[VECTORS][8], shift = 0, stretch = 0;
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
        xs[v][i] = (xs[v][i] - center) * scale;
        if (sum_parameters) dweight[v][i] += dys[v][i] * xs[v][i], dbias[v][i] += dys[v][i];
        dys[v][i] *= w[i];
        shift += dys[v][i];
        stretch += dys[v][i] * xs[v][i];
      }
    }
    if (dx == nullptr) return;
    shift = group_sum(shift, parts) / width;
    stretch = group_sum(stretch, parts) / width;
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
      for (int i = 0; i < 8; i++) dys[v][i] = (dys[v][i] - shift - xs[v][i] * stretch) * scale;
      store8(dx + at + column_of(v), dys[v], columns - column_of(v));
    }
  }
};

#ifndef G

extern "C" __global__ void __launch_bounds__(THREADS)
    layernorm_backward(X *dx, const X *dy, const X *x, const W *weight, const float *mean, const float *rstd, i64 rows,
                       i32 width) {
  __shared__ float parts[WARP];
  Backward pass{dx, dy, x, weight, mean, rstd, rows, width};
  pass.row<false>(static_cast<i64>(blockIdx.x) * GROUPS + threadIdx.x / GROUP, nullptr, nullptr, parts);
}

#else

// partials: [blocks, 2 * width], of each block dweight and dbias
extern "C" __global__ void __launch_bounds__(THREADS)
    layernorm_backward_parameters(X *dx, float *partials, const X *dy, const X *x, const W *weight, const float *mean,
                                  const float *rstd, i64 rows, i32 width) {
  __shared__ float parts[WARP], sums[THREADS * 8];
  Backward pass{dx, dy, x, weight, mean, rstd, rows, width};
  float dweight[VECTORS][8] = {}, dbias[VECTORS][8] = {};
  for (i64 first = static_cast<i64>(blockIdx.x) * GROUPS; first < rows; first += static_cast<i64>(gridDim.x) * GROUPS) {
    pass.row<true>(first + threadIdx.x / GROUP, dweight, dbias, parts);
  }
  float *partial = partials + static_cast<i64>(blockIdx.x) * 2 * width;
  store_block_sums(partial, dweight, width, sums);
  store_block_sums(partial + width, dbias, width, sums);
}

extern "C" __global__ void layernorm_sum(G *dparameter, const float *partials, i32 blocks, i32 width) {
  add_partials(dparameter, partials, blocks, width, 2 * width);
}

#endif
