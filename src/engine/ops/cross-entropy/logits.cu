// What follows a linear head: one block a row of logits, which are f32. D: dtype of their gradient.
#include "focal.cuh"

constexpr int THREADS = 512;
constexpr float LOG2_E = 1.44269504f, NONE = -3.0e38f;

__device__ __forceinline__ float cap(float z, float softcap) {
  return softcap == 0.f ? z : softcap * tanhf(z / softcap);
}

// Eight logits, capped; those beyond the row add nothing to a maximum or a sum of exponentials.
__device__ __forceinline__ void load_logits(const float *from, float *z, i64 count, float softcap) {
  load8(from, z, count, NONE);
  if (softcap != 0.f) {
#pragma unroll
    for (int i = 0; i < 8; i++) z[i] = i < count ? cap(z[i], softcap) : NONE;
  }
}

struct Normaliser {
  // exp(z - largest) / sum is the probability of z.
  float largest, sum;
};

// Over a row, known to every thread; each logit is read once. `sum_of_logits` of this thread's own where asked for.
__device__ __forceinline__ Normaliser normaliser(const float *row, i32 vocabulary, float softcap, float *parts,
                                                 float *sum_of_logits = nullptr) {
  float largest = NONE, sum = 0;
#pragma unroll 2
  for (int at = threadIdx.x * 8; at < vocabulary; at += THREADS * 8) {
    float z[8];
    load_logits(row + at, z, vocabulary - at, softcap);
    if (sum_of_logits != nullptr) {
#pragma unroll
      for (int i = 0; i < 8; i++) *sum_of_logits += at + i < vocabulary ? z[i] : 0.f;
    }
    float larger = largest;
#pragma unroll
    for (int i = 0; i < 8; i++) larger = fmaxf(larger, z[i]);
    sum *= fast_exp2((largest - larger) * LOG2_E);
    largest = larger;
#pragma unroll
    for (int i = 0; i < 8; i++) z[i] = fast_exp2((z[i] - largest) * LOG2_E);
    sum += ((z[0] + z[1]) + (z[2] + z[3])) + ((z[4] + z[5]) + (z[6] + z[7]));
  }
  float largest_of_row = block_max(largest, parts);
  return {largest_of_row, block_sum(sum * fast_exp2((largest - largest_of_row) * LOG2_E), parts)};
}

// dlogits: null, or the logits themselves where D is f32.
extern "C" __global__ void __launch_bounds__(THREADS)
    cross_entropy(float *loss, const float *logits, D *dlogits, const i32 *targets, const float *weights,
                  i32 vocabulary, float scale, float softcap, float gamma, float smoothing) {
  __shared__ float parts[WARP];
  i64 begin = static_cast<i64>(blockIdx.x) * vocabulary;
  i32 target = targets[blockIdx.x];
  float weight = weights[blockIdx.x], wanted = cap(logits[begin + target], softcap);
  float mean = 0;
  Normaliser of = normaliser(logits + begin, vocabulary, softcap, parts, smoothing == 0.f ? nullptr : &mean);
  float total = of.largest + logf(of.sum), taught = 1.f - smoothing;
  if (smoothing != 0.f) mean = total - block_sum(mean, parts) / static_cast<float>(vocabulary);
  Focal focal = focal_term(of.largest - wanted + logf(of.sum), gamma);
  if (threadIdx.x == 0) loss[blockIdx.x] = weight * (taught * focal.loss + smoothing * mean);
  if (dlogits == nullptr) return;

  float factor = scale * weight * taught * focal.slope, inverse = softcap == 0.f ? 0.f : 1.f / softcap;
  float each = (factor + scale * weight * smoothing) / of.sum;
  float less = scale * weight * smoothing / static_cast<float>(vocabulary);
  // Every thread has read the wanted logit before the reductions above, so its memory may be overwritten.
#pragma unroll 2
  for (int at = threadIdx.x * 8; at < vocabulary; at += THREADS * 8) {
    float z[8];
    load_logits(logits + begin + at, z, vocabulary - at, softcap);
#pragma unroll
    for (int i = 0; i < 8; i++) {
      float gradient = each * fast_exp2((z[i] - of.largest) * LOG2_E) - less - (at + i == target ? factor : 0.f);
      float squeezed = z[i] * inverse;
      z[i] = gradient * (1.f - squeezed * squeezed);
    }
    store8(dlogits + begin + at, z, vocabulary - at);
  }
}

// The first of `entries` ascending rows that is not below `wanted`.
__device__ __forceinline__ i32 first_entry(const i32 *row, i32 entries, i32 wanted) {
  i32 low = 0, high = entries;
  while (low < high) {
    i32 middle = low + (high - low) / 2;
    if (row[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Block b has the logits of row begin + b.
extern "C" __global__ void __launch_bounds__(THREADS)
    log_probability(float *out, const float *logits, i32 begin, i32 vocabulary, const i32 *row, const i32 *token,
                    i32 entries, float softcap) {
  __shared__ float parts[WARP];
  i32 wanted = begin + blockIdx.x;
  i32 first = first_entry(row, entries, wanted), end = first_entry(row, entries, wanted + 1);
  if (first == end) return;
  const float *z = logits + static_cast<i64>(blockIdx.x) * vocabulary;
  Normaliser of = normaliser(z, vocabulary, softcap, parts);
  float log_sum = logf(of.sum);
  for (i32 entry = first + threadIdx.x; entry < end; entry += THREADS) {
    out[entry] = cap(z[token[entry]], softcap) - of.largest - log_sum;
  }
}
