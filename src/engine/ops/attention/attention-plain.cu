// Attention without tensor cores: for f32, and for head sizes that are no multiple of 16. One warp a row (a query under
// one head), or a key of one key-value head; lanes stand for 32 keys or rows while scores are computed, for elements of
// a line while lines are added up. All in f32, with exact exponentials.
//
// Macros: X (type of all but lse and delta), HEAD_DIM.
#include "fettle.cuh"

constexpr int WARPS = 4, ELEMENTS = (HEAD_DIM + WARP - 1) / WARP; // of a line, that a lane adds up

__device__ __forceinline__ float minus_infinity() { return __uint_as_float(0xff800000u); }

struct Layout {
  const i32 *index, *expiry, *query_position, *key_position;
  i32 reach; // the window, or more than any distance

  __device__ __forceinline__ bool sees(i32 query, i32 key) const {
    return key <= index[query] && index[query] < expiry[key] &&
           query_position[query] - key_position[key] < reach;
  }
};

// A score, and what squeezing it leaves of its derivative.
struct Score {
  float value, squeezed;

  __device__ __forceinline__ Score(float product, float scale, float softcap) {
    float t = softcap > 0 ? tanhf(product * scale / softcap) : 0.f;
    value = softcap > 0 ? softcap * t : product * scale;
    squeezed = 1.f - t * t;
  }
};

// The warp's line of shared memory: a row of a tensor, to be read by every lane.
__device__ __forceinline__ void keep(float *line, const X *from) {
  __syncwarp();
  for (int i = threadIdx.x % WARP; i < HEAD_DIM; i += WARP) line[i] = to_f32(from[i]);
  __syncwarp();
}

__device__ __forceinline__ float dot(const float *line, const X *other) {
  float sum = 0;
#pragma unroll 8
  for (int i = 0; i < HEAD_DIM; i++) sum = fmaf(line[i], to_f32(other[i]), sum);
  return sum;
}

// sum += factor · line, elements lane, lane + 32, …
__device__ __forceinline__ void add(float *sum, float factor, const X *line) {
#pragma unroll
  for (int i = 0; i < ELEMENTS; i++) {
    int at = i * WARP + threadIdx.x % WARP;
    if (at < HEAD_DIM) sum[i] = fmaf(factor, to_f32(line[at]), sum[i]);
  }
}

__device__ __forceinline__ void put(X *to, const float *sum, float factor) {
#pragma unroll
  for (int i = 0; i < ELEMENTS; i++) {
    int at = i * WARP + threadIdx.x % WARP;
    if (at < HEAD_DIM) store(to + at, sum[i] * factor);
  }
}

extern "C" __global__ void attention_plain_forward(X *out, float *lse, const X *q, const X *k, const X *v,
                                                   const i32 *index, const i32 *expiry, const i32 *query_position,
                                                   const i32 *key_position, i32 queries, i32 keys, i32 heads,
                                                   i32 kv_heads, float scale, i32 reach, float softcap) {
  __shared__ float lines[WARPS][HEAD_DIM];
  i32 warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
  i64 row = static_cast<i64>(blockIdx.x) * WARPS + warp;
  if (row >= static_cast<i64>(queries) * heads) return;
  i32 query = row / heads, kv_head = row % heads / (heads / kv_heads);
  Layout layout = {index, expiry, query_position, key_position, reach};
  keep(lines[warp], q + row * HEAD_DIM);
  float sum[ELEMENTS] = {}, most = minus_infinity(), total = 0;
  for (i32 first = 0; first <= min(index[query], keys - 1); first += WARP) {
    i32 key = first + lane;
    bool seen = key < keys && layout.sees(query, key);
    u32 seen_by = __ballot_sync(ALL_LANES, seen);
    if (seen_by == 0) continue;
    i64 line = static_cast<i64>(seen ? key : 0) * kv_heads + kv_head;
    float s = seen ? Score(dot(lines[warp], k + line * HEAD_DIM), scale, softcap).value : minus_infinity();
    float highest = fmaxf(most, warp_max(s)), shrink = expf(most - highest), weight = expf(s - highest);
    most = highest;
    total = total * shrink + warp_sum(weight);
#pragma unroll
    for (int i = 0; i < ELEMENTS; i++) sum[i] *= shrink;
    for (int i = 0; i < WARP; i++) {
      float factor = __shfl_sync(ALL_LANES, weight, i);
      if (seen_by >> i & 1) add(sum, factor, v + (static_cast<i64>(first + i) * kv_heads + kv_head) * HEAD_DIM);
    }
  }
  put(out + row * HEAD_DIM, sum, total > 0 ? 1.f / total : 0.f);
  if (lse != nullptr && lane == 0) lse[row] = total > 0 ? most + logf(total) : minus_infinity();
}

extern "C" __global__ void attention_plain_queries(X *dq, float *delta, const X *dout, const X *out, const float *lse,
                                                   const X *q, const X *k, const X *v, const i32 *index,
                                                   const i32 *expiry, const i32 *query_position,
                                                   const i32 *key_position, i32 queries, i32 keys, i32 heads,
                                                   i32 kv_heads, float scale, i32 reach, float softcap) {
  __shared__ float lines[WARPS][2][HEAD_DIM];
  i32 warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
  i64 row = static_cast<i64>(blockIdx.x) * WARPS + warp;
  if (row >= static_cast<i64>(queries) * heads) return;
  i32 query = row / heads, kv_head = row % heads / (heads / kv_heads);
  Layout layout = {index, expiry, query_position, key_position, reach};
  float *q_line = lines[warp][0], *dout_line = lines[warp][1];
  keep(q_line, q + row * HEAD_DIM);
  keep(dout_line, dout + row * HEAD_DIM);
  float own_delta = 0;
  for (int i = lane; i < HEAD_DIM; i += WARP) own_delta = fmaf(dout_line[i], to_f32(out[row * HEAD_DIM + i]), own_delta);
  own_delta = warp_sum(own_delta);
  if (lane == 0) delta[row] = own_delta;
  float sum[ELEMENTS] = {};
  for (i32 first = 0; first <= min(index[query], keys - 1); first += WARP) {
    i32 key = first + lane;
    bool seen = key < keys && layout.sees(query, key);
    u32 seen_by = __ballot_sync(ALL_LANES, seen);
    if (seen_by == 0) continue;
    i64 line = static_cast<i64>(seen ? key : 0) * kv_heads + kv_head;
    Score score(dot(q_line, k + line * HEAD_DIM), scale, softcap);
    float weight = seen ? expf(score.value - lse[row]) : 0.f;
    float ds = weight * (dot(dout_line, v + line * HEAD_DIM) - own_delta) * score.squeezed;
    for (int i = 0; i < WARP; i++) {
      float factor = __shfl_sync(ALL_LANES, ds, i);
      if (seen_by >> i & 1) add(sum, factor, k + (static_cast<i64>(first + i) * kv_heads + kv_head) * HEAD_DIM);
    }
  }
  put(dq + row * HEAD_DIM, sum, scale);
}

extern "C" __global__ void attention_plain_keys(X *dk, X *dv, const X *dout, const float *lse, const float *delta,
                                                const X *q, const X *k, const X *v, const i32 *index,
                                                const i32 *expiry, const i32 *query_position, const i32 *key_position,
                                                i32 queries, i32 keys, i32 heads, i32 kv_heads, float scale, i32 reach,
                                                float softcap) {
  __shared__ float lines[WARPS][2][HEAD_DIM];
  i32 warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
  i64 line = static_cast<i64>(blockIdx.x) * WARPS + warp;
  if (line >= static_cast<i64>(keys) * kv_heads) return;
  i32 key = line / kv_heads, kv_head = line % kv_heads, group = heads / kv_heads;
  Layout layout = {index, expiry, query_position, key_position, reach};
  float *k_line = lines[warp][0], *v_line = lines[warp][1];
  keep(k_line, k + line * HEAD_DIM);
  keep(v_line, v + line * HEAD_DIM);
  float sum_k[ELEMENTS] = {}, sum_v[ELEMENTS] = {};
  for (i32 first = 0; first < queries; first += WARP) {
    i32 query = first + lane;
    bool seen = query < queries && layout.sees(query, key);
    u32 seen_by = __ballot_sync(ALL_LANES, seen);
    if (seen_by == 0) continue;
    for (i32 head = kv_head * group; head < (kv_head + 1) * group; head++) {
      i64 row = static_cast<i64>(seen ? query : 0) * heads + head;
      Score score(dot(k_line, q + row * HEAD_DIM), scale, softcap);
      float weight = seen ? expf(score.value - lse[row]) : 0.f;
      float ds = weight * (dot(v_line, dout + row * HEAD_DIM) - delta[row]) * score.squeezed;
      for (int i = 0; i < WARP; i++) {
        float factor_v = __shfl_sync(ALL_LANES, weight, i), factor_k = __shfl_sync(ALL_LANES, ds, i);
        if (!(seen_by >> i & 1)) continue;
        i64 at = (static_cast<i64>(first + i) * heads + head) * HEAD_DIM;
        add(sum_v, factor_v, dout + at);
        add(sum_k, factor_k, q + at);
      }
    }
  }
  put(dk + line * HEAD_DIM, sum_k, scale);
  put(dv + line * HEAD_DIM, sum_v, 1.f);
}
