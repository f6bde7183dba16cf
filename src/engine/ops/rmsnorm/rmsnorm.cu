// One block a row; statistics in f32. The weight's gradient is summed over fixed groups of rows, then over the groups.
#include "fettle.cuh"

constexpr int THREADS = 256;

extern "C" __global__ void rmsnorm_forward(X *y, float *rstd, const X *x, const W *weight, i32 width, float eps,
                                           float offset) {
  __shared__ float parts[WARP];
  const X *row = x + static_cast<i64>(blockIdx.x) * width;
  float sum = 0;
  for (int c = threadIdx.x; c < width; c += THREADS) sum += to_f32(row[c]) * to_f32(row[c]);
  float scale = rsqrtf(block_sum(sum, parts) / width + eps);
  if (threadIdx.x == 0) rstd[blockIdx.x] = scale;
  X *out = y + static_cast<i64>(blockIdx.x) * width;
  for (int c = threadIdx.x; c < width; c += THREADS) store(out + c, to_f32(row[c]) * scale * (to_f32(weight[c]) + offset));
}
