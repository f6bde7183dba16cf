// One block a row. The TOP largest are found through the bits of their values, eight at a time from the highest: how many
// values have each continuation of the bits known so far tells the next bits of the smallest of the TOP. Counts are
// whole numbers and the found are sorted, so that nothing depends on the order of threads.
#include "fettle.cuh"

constexpr int TOP = 64, THREADS = 512, DIGITS = 256;

__device__ __forceinline__ float minus_infinity() { return __uint_as_float(0xff800000u); }

// Unsigned integers in the order of floats.
__device__ __forceinline__ u32 key_of(float x) {
  u32 bits = __float_as_uint(x);
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}

__device__ float sum_weights(const float *z, i32 count, float base, float factor, float *parts) {
  float sum = 0;
  for (i32 id = threadIdx.x; id < count; id += THREADS) sum += expf((z[id] - base) * factor);
  return block_sum(sum, parts);
}

// The key of the smallest of the `wanted` largest of z, how many are above it and how many have it.
struct Edge {
  u32 key;
  i32 above, equal;
};

__device__ Edge find_edge(const float *z, i32 count, i32 wanted, i32 *histogram, Edge *shared) {
  Edge edge = {0, 0, 0};
  for (int shift = 24; shift >= 0; shift -= 8) {
    for (int i = threadIdx.x; i < DIGITS; i += THREADS) histogram[i] = 0;
    __syncthreads();
    for (i32 id = threadIdx.x; id < count; id += THREADS) {
      u32 key = key_of(z[id]);
      // Shifted in two steps: 32 bits at once would be undefined.
      if (key >> shift >> 8 == edge.key >> shift >> 8) atomicAdd(histogram + (key >> shift & 255), 1);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      int digit = DIGITS - 1;
      for (; digit > 0 && edge.above + histogram[digit] < wanted; digit--) edge.above += histogram[digit];
      edge.key |= static_cast<u32>(digit) << shift;
      edge.equal = histogram[digit];
      *shared = edge;
    }
    __syncthreads();
    edge = *shared;
  }
  return edge;
}

extern "C" __global__ void top_tokens(i32 *ids, float *top, float *statistics, float *logits, i32 begin, i32 vocabulary,
                                      const float *inverse_temperature, const i32 *masks, i32 words,
                                      const i32 *mask_of, float softcap) {
  __shared__ float parts[32], found_value[TOP];
  __shared__ i32 histogram[DIGITS], found_id[TOP], found, tied[THREADS / WARP];
  __shared__ Edge shared_edge;
  i32 row = begin + blockIdx.x, lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
  float *z = logits + static_cast<i64>(blockIdx.x) * vocabulary;

  float most = minus_infinity();
  for (i32 id = threadIdx.x; id < vocabulary; id += THREADS) {
    if (softcap > 0) z[id] = softcap * tanhf(z[id] / softcap);
    most = fmaxf(most, z[id]);
  }
  most = block_max(most, parts);
  float sum = sum_weights(z, vocabulary, most, 1.f, parts);
  if (threadIdx.x == 0) statistics[2 * row] = most + logf(sum);
  i32 mask = mask_of == nullptr ? -1 : mask_of[row];
  if (mask >= 0) {
    const i32 *allowed = masks + static_cast<i64>(mask) * words;
    most = minus_infinity();
    for (i32 id = threadIdx.x; id < vocabulary; id += THREADS) {
      if (static_cast<u32>(allowed[id / 32]) >> id % 32 & 1) most = fmaxf(most, z[id]);
      else z[id] = minus_infinity();
    }
    most = block_max(most, parts);
  }
  sum = sum_weights(z, vocabulary, most, inverse_temperature[row], parts);
  if (threadIdx.x == 0) statistics[2 * row + 1] = sum;

  i32 wanted = min(TOP, vocabulary);
  Edge edge = find_edge(z, vocabulary, wanted, histogram, &shared_edge);
  i32 missing = wanted - edge.above;
  bool all = edge.equal == missing;
  if (threadIdx.x < TOP) found_value[threadIdx.x] = minus_infinity(), found_id[threadIdx.x] = -1;
  if (threadIdx.x == 0) found = 0;
  __syncthreads();
  for (i32 id = threadIdx.x; id < vocabulary; id += THREADS) {
    u32 key = key_of(z[id]);
    if (key > edge.key || (all && key == edge.key)) {
      i32 place = atomicAdd(&found, 1);
      found_value[place] = z[id], found_id[place] = id;
    }
  }
  // Of more equals than fit, the first.
  for (i32 first = 0, taken = 0; !all && taken < missing && first < vocabulary; first += THREADS) {
    i32 id = first + threadIdx.x;
    bool own = id < vocabulary && key_of(z[id]) == edge.key;
    u32 in_warp = __ballot_sync(ALL_LANES, own);
    __syncthreads();
    if (lane == 0) tied[warp] = __popc(in_warp);
    __syncthreads();
    i32 before = taken + __popc(in_warp & ((1u << lane) - 1));
    for (int w = 0; w < THREADS / WARP; w++) {
      if (w < warp) before += tied[w];
      taken += tied[w];
    }
    if (own && before < missing) found_value[edge.above + before] = z[id], found_id[edge.above + before] = id;
  }
  __syncthreads();
  if (threadIdx.x >= TOP) return;
  float value = found_value[threadIdx.x];
  u32 id = found_id[threadIdx.x]; // -1, where there is none, becomes the last
  int rank = 0;
  for (int i = 0; i < TOP; i++) {
    u32 other = found_id[i];
    bool earlier = other != id ? other < id : i < threadIdx.x;
    rank += found_value[i] > value || (found_value[i] == value && earlier);
  }
  ids[row * TOP + rank] = value > minus_infinity() ? id : -1;
  top[row * TOP + rank] = value;
}
