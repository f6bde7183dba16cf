// out and lse, a tile of rows of one key-value head a block (Dao 2023, arXiv 2307.08691): scores of the tile with one
// tile of keys after the other, the softmax kept running, exponents in base 2. While scores are computed the values of
// the tile arrive, while values are added up the next keys do.
//
// Macros: HEAD_DIM, WARPS, PARTS (16-row parts of the tile a warp has), KEYS (of a tile), SOFTCAP (0 or 1).
#include "attention.cuh"

constexpr int ROWS = WARPS * PARTS * 16, N = KEYS / 8;

struct Shared {
  bf16 q[ROWS * PITCH], k[KEYS * PITCH], v[KEYS * PITCH];
  i32 index[ROWS], position[ROWS], expiry[KEYS], key_position[KEYS];
};

// Scores that a row does not see become -infinity.
__device__ __forceinline__ void hide(float (&s)[PARTS][N][4], const Shared &shared, int first_line, i32 first_key,
                                     i32 reach) {
  i32 index[PARTS][2], position[PARTS][2];
#pragma unroll
  for (int m = 0; m < PARTS; m++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      index[m][half] = shared.index[first_line + line_of(m, half)];
      position[m][half] = shared.position[first_line + line_of(m, half)];
    }
#pragma unroll
  for (int n = 0; n < N; n++)
#pragma unroll
    for (int e = 0; e < 2; e++) {
      i32 column = column_of(n) + e, expiry = shared.expiry[column], key_position = shared.key_position[column];
#pragma unroll
      for (int m = 0; m < PARTS; m++)
#pragma unroll
        for (int half = 0; half < 2; half++) {
          float &x = s[m][n][2 * half + e];
          x = sees(index[m][half], position[m][half], first_key + column, expiry, key_position, reach)
                  ? x
                  : minus_infinity();
        }
    }
}

// The base that a row's exponents are taken from begins below all scores and is raised only where a score is past it by
// so much: weights stay small enough, and what was added up is seldom scaled anew.
constexpr float LOWEST = -1e30f, SLACK = 8;

struct Softmax {
  float base[PARTS][2], total[PARTS][2]; // total: of the weights in this lane's columns
};

// Raises the bases to what the scores need, unit · score being exponents of 2.
__device__ __forceinline__ void raise_bases(Softmax &softmax, float (&sum)[PARTS][COLUMNS][4],
                                            const float (&s)[PARTS][N][4], float unit) {
  float shrink[PARTS][2];
  bool raised = false;
#pragma unroll
  for (int m = 0; m < PARTS; m++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float highest = minus_infinity();
#pragma unroll
      for (int n = 0; n < N; n++) highest = fmaxf(highest, fmaxf(s[m][n][2 * half], s[m][n][2 * half + 1]));
      highest = fmaxf(highest, __shfl_xor_sync(ALL_LANES, highest, 1));
      highest = unit * fmaxf(highest, __shfl_xor_sync(ALL_LANES, highest, 2));
      float &base = softmax.base[m][half], before = base;
      base = highest > base + SLACK ? highest : base;
      raised |= base != before;
      shrink[m][half] = fast_exp2(before - base);
    }
  if (!__any_sync(ALL_LANES, raised)) return;
#pragma unroll
  for (int m = 0; m < PARTS; m++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      softmax.total[m][half] *= shrink[m][half];
#pragma unroll
      for (int n = 0; n < COLUMNS; n++)
        sum[m][n][2 * half] *= shrink[m][half], sum[m][n][2 * half + 1] *= shrink[m][half];
    }
}

// Scores of 16 keys become weights, as the left factor of their product with values.
__device__ __forceinline__ void weigh(u32 (&weights)[PARTS][4], Softmax &softmax, const float (&s)[PARTS][N][4], int k,
                                      float unit) {
#pragma unroll
  for (int m = 0; m < PARTS; m++)
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const float *pair = s[m][2 * k + i / 2] + i % 2 * 2;
      float low = fast_exp2(fmaf(pair[0], unit, -softmax.base[m][i % 2]));
      float high = fast_exp2(fmaf(pair[1], unit, -softmax.base[m][i % 2]));
      softmax.total[m][i % 2] += low + high;
      weights[m][i] = pack_bf16(low, high);
    }
}

// q_factor: on q·k, giving base-2 exponents, or tanh's argument under a cap; cap: of base-2 exponents.
extern "C" __global__ void __launch_bounds__(THREADS)
    attention_forward(bf16 *out, float *lse, const bf16 *q, const bf16 *k, const bf16 *v, const i32 *index,
                      const i32 *expiry, const i32 *query_position, const i32 *key_position, const i32 *counts,
                      const i32 *lists, i32 row_tiles, i32 key_tiles, i32 row_count, i32 keys, i32 heads, i32 kv_heads,
                      u32 reciprocal, float q_factor, i32 reach, float cap) {
  FETTLE_SHARED(bytes);
  Shared &shared = *reinterpret_cast<Shared *>(bytes);
  // Later tiles see more keys: they begin first.
  i32 kv_head = blockIdx.x % kv_heads, tile = row_tiles - 1 - static_cast<i32>(blockIdx.x) / kv_heads;
  Rows rows = {row_count, heads, heads / kv_heads, kv_head, reciprocal};
  Keys key_lines = {keys, kv_heads, kv_head};
  const i32 *list = lists + static_cast<i64>(tile) * key_tiles;
  i32 count = counts[tile], entry = count > 0 ? list[0] : 0;

  copy_lines<ROWS>(tile * ROWS, rows, Copy{shared.q, q});
  if (count > 0) copy_lines<KEYS>(listed_tile(entry) * KEYS, key_lines, Copy{shared.k, k});
  copy_async_commit();
  for (int line = threadIdx.x; line < ROWS; line += THREADS) {
    i32 row = tile * ROWS + line;
    bool there = row < row_count;
    i32 query = rows.query(there ? row : 0);
    shared.index[line] = there ? index[query] : -1;
    shared.position[line] = query_position[query];
  }

  int first_line = warp_number() * PARTS * 16, unit_of_rows = first_line / 32;
  bf16 *own = shared.q + first_line * PITCH;
  float unit = SOFTCAP ? 1.f : q_factor;
  float sum[PARTS][COLUMNS][4] = {};
  Softmax softmax = {};
#pragma unroll
  for (int m = 0; m < PARTS; m++) softmax.base[m][0] = softmax.base[m][1] = LOWEST;
  for (i32 i = 0; i < count; i++) {
    i32 first_key = listed_tile(entry) * KEYS, next = list[min(i + 1, count - 1)];
    bool seen = is_seen(entry, unit_of_rows);
    copy_async_wait<0>();
    __syncthreads();
    copy_lines<KEYS>(first_key, key_lines, Copy{shared.v, v});
    copy_async_commit();
    i32 fact_key = first_key + static_cast<i32>(threadIdx.x);
    bool has_fact = threadIdx.x < KEYS && fact_key < keys;
    i32 fact_expiry = has_fact ? expiry[fact_key] : 0, fact_position = has_fact ? key_position[fact_key] : 0;

    float s[PARTS][N][4];
    if (seen) multiply(s, own + left_offset(), shared.k + right_offset());
    if (threadIdx.x < KEYS) shared.expiry[threadIdx.x] = fact_expiry, shared.key_position[threadIdx.x] = fact_position;
    copy_async_wait<0>();
    __syncthreads();
    if (i + 1 < count) copy_lines<KEYS>(listed_tile(next) * KEYS, key_lines, Copy{shared.k, k});
    copy_async_commit();

    if (seen) {
#if SOFTCAP
#pragma unroll
      for (int m = 0; m < PARTS; m++)
#pragma unroll
        for (int n = 0; n < N; n++)
#pragma unroll
          for (int e = 0; e < 4; e++) s[m][n][e] = cap * fast_tanh(s[m][n][e] * q_factor);
#endif
      if (!is_fully_seen(entry, unit_of_rows)) hide(s, shared, first_line, first_key, reach);
      raise_bases(softmax, sum, s, unit);
#pragma unroll
      for (int k = 0; k < KEYS / 16; k++) {
        // Nothing lies past the last key. Besides, steps apart are scheduled apart: mixed, their exponentials would take
        // the registers in which fragments arrive ahead of their products.
        if (first_key + k * 16 >= keys) break;
        u32 weights[PARTS][4];
        weigh(weights, softmax, s, k, unit);
        multiply_add(sum, weights, shared.v + k * 16 * PITCH + left_offset());
      }
    }
    entry = next;
  }
  copy_async_wait<0>();
  // Queries that nobody waited for in the loop have come before their lines take the results.
  if (count == 0) __syncthreads();

  float factors[PARTS][2];
  i32 first_row = tile * ROWS + first_line;
#pragma unroll
  for (int m = 0; m < PARTS; m++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float all = softmax.total[m][half];
      all += __shfl_xor_sync(ALL_LANES, all, 1);
      all += __shfl_xor_sync(ALL_LANES, all, 2);
      factors[m][half] = all > 0 ? __fdividef(1.f, all) : 0.f;
      i32 row = first_row + line_of(m, half);
      if (lse != nullptr && threadIdx.x % 4 == 0 && row < row_count)
        lse[rows.place(row)] = all > 0 ? (softmax.base[m][half] + __log2f(all)) * LN_2 : minus_infinity();
    }
  put(out, sum, factors, own, first_row, rows);
}
