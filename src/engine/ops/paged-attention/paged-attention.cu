// One block a query under up to HEADS heads of one key-value head. Stretches of 32 positions go to the warps in turn; lanes
// stand for positions while scores are computed, for elements of a line while values are added up. The warps' sums are
// put together in order, so that a row's bits depend on its own keys alone.
//
// Macros: X (type of everything but indices), HEAD_DIM, HEADS.
#include "fettle.cuh"

constexpr int WARPS = 4, ELEMENTS = (HEAD_DIM + WARP - 1) / WARP; // of a line, that a lane adds up

__device__ __forceinline__ float minus_infinity() { return __uint_as_float(0xff800000u); }

// q·k for the block's heads: `q` [HEADS][HEAD_DIM] in shared memory, the same element for every lane.
__device__ __forceinline__ void multiply_key(float *product, const float *q, const X *k) {
#pragma unroll
  for (int head = 0; head < HEADS; head++) product[head] = 0;
  if constexpr (HEAD_DIM % 8 == 0) {
#pragma unroll 2
    for (int i = 0; i < HEAD_DIM; i += 8) {
      float x[8];
      load8(k + i, x, HEAD_DIM - i);
#pragma unroll
      for (int head = 0; head < HEADS; head++)
#pragma unroll
        for (int e = 0; e < 8; e++) product[head] = fmaf(q[head * HEAD_DIM + i + e], x[e], product[head]);
    }
  } else {
    for (int i = 0; i < HEAD_DIM; i++) {
      float x = to_f32(k[i]);
#pragma unroll
      for (int head = 0; head < HEADS; head++) product[head] = fmaf(q[head * HEAD_DIM + i], x, product[head]);
    }
  }
}

extern "C" __global__ void paged_attention(X *out, const X *q, const X *keys, const X *values, const i32 *sequence,
                                           const i32 *position, const i32 *pages, i32 pages_each, i32 page_size,
                                           i32 heads, i32 kv_heads, i32 group, float scale, i32 reach, float softcap) {
  __shared__ float lines[HEADS][HEAD_DIM], most_of[WARPS][HEADS], total_of[WARPS][HEADS], sum_of[WARPS][HEAD_DIM];
  i32 warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
  i32 query = blockIdx.x, kv_head = blockIdx.y, first_member = blockIdx.z * HEADS, last = position[query];
  i32 members = min(HEADS, group - first_member);
  i64 row = (static_cast<i64>(query) * heads + kv_head * group + first_member) * HEAD_DIM;
  pages += static_cast<i64>(sequence[query]) * pages_each;
  for (int i = threadIdx.x; i < HEADS * HEAD_DIM; i += WARPS * WARP)
    lines[i / HEAD_DIM][i % HEAD_DIM] = i < members * HEAD_DIM ? to_f32(q[row + i]) : 0.f;
  __syncthreads();

  float sum[HEADS][ELEMENTS] = {}, most[HEADS], total[HEADS] = {};
#pragma unroll
  for (int head = 0; head < HEADS; head++) most[head] = minus_infinity();
  i32 begin = last - min(last, reach - 1);
  for (i32 first = (begin / WARP) * WARP + warp * WARP; first <= last; first += WARPS * WARP) {
    i32 own = first + lane;
    bool seen = own >= begin && own <= last;
    i32 place = seen ? pages[own / page_size] * page_size + own % page_size : 0;
    float s[HEADS];
    if (seen) multiply_key(s, &lines[0][0], keys + (static_cast<i64>(place) * kv_heads + kv_head) * HEAD_DIM);
#pragma unroll
    for (int head = 0; head < HEADS; head++) {
      s[head] = !seen ? minus_infinity() : softcap > 0 ? softcap * tanhf(s[head] * scale / softcap) : s[head] * scale;
      float highest = fmaxf(most[head], warp_max(s[head])), shrink = expf(most[head] - highest);
      s[head] = expf(s[head] - highest);
      most[head] = highest;
      total[head] = total[head] * shrink + warp_sum(s[head]);
#pragma unroll
      for (int i = 0; i < ELEMENTS; i++) sum[head][i] *= shrink;
    }
    u32 seen_by = __ballot_sync(ALL_LANES, seen);
    for (int i = 0; i < WARP; i++) {
      i64 from = static_cast<i64>(__shfl_sync(ALL_LANES, place, i)) * kv_heads + kv_head;
      float weight[HEADS];
#pragma unroll
      for (int head = 0; head < HEADS; head++) weight[head] = __shfl_sync(ALL_LANES, s[head], i);
      if (!(seen_by >> i & 1)) continue;
      const X *line = values + from * HEAD_DIM;
#pragma unroll
      for (int e = 0; e < ELEMENTS; e++) {
        int at = e * WARP + lane;
        float x = at < HEAD_DIM ? to_f32(line[at]) : 0.f;
#pragma unroll
        for (int head = 0; head < HEADS; head++) sum[head][e] = fmaf(weight[head], x, sum[head][e]);
      }
    }
  }

  if (lane == 0) {
#pragma unroll
    for (int head = 0; head < HEADS; head++) most_of[warp][head] = most[head], total_of[warp][head] = total[head];
  }
#pragma unroll
  for (int head = 0; head < HEADS; head++) {
    __syncthreads();
    float highest = minus_infinity(), whole = 0;
    for (int w = 0; w < WARPS; w++) highest = fmaxf(highest, most_of[w][head]);
    for (int w = 0; w < WARPS; w++) whole += total_of[w][head] * expf(most_of[w][head] - highest);
    float factor = expf(most[head] - highest) / whole;
#pragma unroll
    for (int e = 0; e < ELEMENTS; e++) {
      int at = e * WARP + lane;
      if (at < HEAD_DIM) sum_of[warp][at] = sum[head][e] * factor;
    }
    __syncthreads();
    if (head >= members) continue;
    for (int at = threadIdx.x; at < HEAD_DIM; at += WARPS * WARP) {
      float all = 0;
      for (int w = 0; w < WARPS; w++) all += sum_of[w][at];
      store(out + row + head * HEAD_DIM + at, all);
    }
  }
}
