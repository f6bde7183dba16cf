// Blocks sum fixed pieces as trees in f32; the pieces are added in f64.
#include "fettle.cuh"

constexpr int THREADS = 256;
// Elements of a block.
constexpr i64 PIECE = THREADS * 8 * 8;

extern "C" __global__ void __launch_bounds__(THREADS) sum_squares(float *pieces, const X *x, i64 length) {
  __shared__ float parts[WARP];
  float sums[8] = {};
  i64 begin = blockIdx.x * PIECE + threadIdx.x * 8;
#pragma unroll
  for (i64 at = begin; at < begin + PIECE; at += THREADS * 8) {
    float value[8];
    load8(x + at, value, length - at);
#pragma unroll
    for (int i = 0; i < 8; i++) sums[i] += value[i] * value[i];
  }
  float sum = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
  sum = block_sum(sum, parts);
  if (threadIdx.x == 0) pieces[blockIdx.x] = sum;
}

// One block.
extern "C" __global__ void __launch_bounds__(THREADS) sum_pieces(float *out, i32 slot, const float *pieces, i32 count) {
  __shared__ double sums[THREADS];
  double sum = 0;
  for (int i = threadIdx.x; i < count; i += THREADS) sum += pieces[i];
  sums[threadIdx.x] = sum;
  __syncthreads();
  for (int half = THREADS / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) out[slot] = static_cast<float>(sums[0]);
}
