// Losses of a classifier's logits: one block a row.
#include "focal.cuh"

constexpr int THREADS = 128;

extern "C" __global__ void __launch_bounds__(THREADS)
    class_loss_softmax(float *loss, float *dlogits, const float *logits, const i32 *targets, const float *weights,
                       const float *class_weights, i32 labels, float scale, float gamma, float smoothing) {
  __shared__ float parts[WARP];
  const float *z = logits + static_cast<i64>(blockIdx.x) * labels;
  i32 target = targets[blockIdx.x];
  float largest = -3.0e38f, sum = 0, smoothed = 0, sum_of_weights = 0, each = smoothing / static_cast<float>(labels);
  for (i32 i = threadIdx.x; i < labels; i += THREADS) largest = fmaxf(largest, z[i]);
  largest = block_max(largest, parts);
  for (i32 i = threadIdx.x; i < labels; i += THREADS) {
    sum += expf(z[i] - largest);
    smoothed += class_weights[i] * (largest - z[i]);
    sum_of_weights += class_weights[i];
  }
  float log_sum = logf(block_sum(sum, parts)), total = largest + log_sum;
  sum_of_weights = block_sum(sum_of_weights, parts);
  smoothed = block_sum(smoothed, parts) + sum_of_weights * log_sum;
  Focal focal = focal_term(total - z[target], gamma);
  float share = (1.f - smoothing) * class_weights[target], weight = weights[blockIdx.x];
  if (threadIdx.x == 0) loss[blockIdx.x] = weight * (share * focal.loss + each * smoothed);
  if (dlogits == nullptr) return;
  float factor = scale * weight, towards = share * focal.slope + each * sum_of_weights;
  float *dz = dlogits + static_cast<i64>(blockIdx.x) * labels;
  for (i32 i = threadIdx.x; i < labels; i += THREADS) {
    float away = (i == target ? share * focal.slope : 0.f) + each * class_weights[i];
    dz[i] = factor * (towards * expf(z[i] - total) - away);
  }
}

// (1 - p)^gamma * -log p with p the sigmoid of z, and its derivative by z.
__device__ __forceinline__ Focal focal_sigmoid(float z, float gamma) {
  float nats = fmaxf(-z, 0.f) + log1pf(expf(-fabsf(z)));
  float p = expf(-nats), focus = gamma == 0.f ? 1.f : expf(-gamma * (nats + z));
  return {focus * nats, -focus * (gamma * p * nats + (1.f - p))};
}

extern "C" __global__ void __launch_bounds__(THREADS)
    class_loss_sigmoid(float *loss, float *dlogits, const float *logits, const float *targets, const float *weights,
                       const float *positive, const float *negative, i32 labels, float scale, float gamma) {
  __shared__ float parts[WARP];
  i64 begin = static_cast<i64>(blockIdx.x) * labels;
  float weight = weights[blockIdx.x] / static_cast<float>(labels), factor = scale * weight, sum = 0;
  for (i32 i = threadIdx.x; i < labels; i += THREADS) {
    float z = logits[begin + i], target = targets[begin + i];
    Focal yes = focal_sigmoid(z, gamma), no = focal_sigmoid(-z, gamma);
    float a = positive[i] * target, b = negative[i] * (1.f - target);
    sum += a * yes.loss + b * no.loss;
    if (dlogits != nullptr) dlogits[begin + i] = factor * (a * yes.slope - b * no.slope);
  }
  sum = block_sum(sum, parts);
  if (threadIdx.x == 0) loss[blockIdx.x] = weight * sum;
}
