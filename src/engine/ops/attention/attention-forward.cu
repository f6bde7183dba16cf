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
__device__ __forceinline__ void hide(float (&s)[PARTS][N][4], const Shared &shared, i32 first_key, i32 window) {
  int first_line = threadIdx.x / WARP * PARTS * 16;
#pragma unroll
  for (int m = 0; m < PARTS; m++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      int line = first_line + line_of(m, half);
      i32 index = shared.index[line], position = shared.position[line];
#pragma unroll
      for (int n = 0; n < N; n++)
#pragma unroll
        for (int e = 0; e < 2; e++) {
          int column = column_of(n) + e;
          bool seen = sees(index, first_key + column, shared.expiry[column]) &&
                      (window == 0 || position - shared.key_position[column] < window);
          if (!seen) s[m][n][2 * half + e] = minus_infinity();
        }
    }
}

// Scores become weights; the maxima and sums of the rows and what was added up so far follow.
__device__ __forceinline__ void soften(float (&s)[PARTS][N][4], float (&sum)[PARTS][COLUMNS][4],
                                       float (&most)[PARTS][2], float (&total)[PARTS][2], float unit) {
#pragma unroll
  for (int m = 0; m < PARTS; m++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float highest = most[m][half];
#pragma unroll
      for (int n = 0; n < N; n++) highest = fmaxf(highest, fmaxf(s[m][n][2 * half], s[m][n][2 * half + 1]));
      highest = fmaxf(highest, __shfl_xor_sync(ALL_LANES, highest, 1));
      highest = fmaxf(highest, __shfl_xor_sync(ALL_LANES, highest, 2));
      // Where nothing was seen yet any finite base will do.
      float base = highest == minus_infinity() ? 0.f : highest * unit;
      float shrink = fast_exp2(fmaf(most[m][half], unit, -base));
      most[m][half] = highest;
      float added = 0;
#pragma unroll
      for (int n = 0; n < N; n++)
#pragma unroll
        for (int e = 0; e < 2; e++) {
          float weight = fast_exp2(fmaf(s[m][n][2 * half + e], unit, -base));
          s[m][n][2 * half + e] = weight;
          added += weight;
        }
      total[m][half] = fmaf(total[m][half], shrink, added);
#pragma unroll
      for (int n = 0; n < COLUMNS; n++) sum[m][n][2 * half] *= shrink, sum[m][n][2 * half + 1] *= shrink;
    }
}

// q_factor: on q·k, giving base-2 exponents, or tanh's argument under a cap; cap: of base-2 exponents.
extern "C" __global__ void __launch_bounds__(THREADS)
    attention_forward(bf16 *out, float *lse, const bf16 *q, const bf16 *k, const bf16 *v, const i32 *index,
                      const i32 *expiry, const i32 *query_position, const i32 *key_position, const i32 *counts,
                      const i32 *lists, i32 row_tiles, i32 key_tiles, i32 row_count, i32 keys, i32 heads, i32 kv_heads,
                      u32 reciprocal, float q_factor, i32 window, float cap) {
  FETTLE_SHARED(bytes);
  Shared &shared = *reinterpret_cast<Shared *>(bytes);
  // Later tiles see more keys: they begin first.
  i32 kv_head = blockIdx.x % kv_heads, tile = row_tiles - 1 - static_cast<i32>(blockIdx.x) / kv_heads;
  Rows rows = {row_count, heads, heads / kv_heads, kv_head, reciprocal};
  Keys key_lines = {keys, kv_heads, kv_head};
  const i32 *list = lists + static_cast<i64>(tile) * key_tiles;
  i32 count = counts[tile], entry = count > 0 ? list[0] : 0;

  copy_tile<ROWS>(shared.q, q, tile * ROWS, rows);
  if (count > 0) copy_tile<KEYS>(shared.k, k, listed_tile(entry) * KEYS, key_lines);
  copy_async_commit();
  for (int line = threadIdx.x; line < ROWS; line += THREADS) {
    i32 row = tile * ROWS + line;
    bool there = row < row_count;
    i32 query = rows.query(there ? row : 0);
    shared.index[line] = there ? index[query] : -1;
    shared.position[line] = query_position[query];
  }

  bf16 *own = shared.q + threadIdx.x / WARP * PARTS * 16 * PITCH;
  float sum[PARTS][COLUMNS][4] = {}, most[PARTS][2], total[PARTS][2] = {};
#pragma unroll
  for (int m = 0; m < PARTS; m++) most[m][0] = most[m][1] = minus_infinity();
  float unit = SOFTCAP ? 1.f : q_factor;
  for (i32 i = 0; i < count; i++) {
    i32 first_key = listed_tile(entry) * KEYS, next = list[min(i + 1, count - 1)];
    bool in_part = is_seen_in_part(entry);
    copy_async_wait<0>();
    __syncthreads();
    copy_tile<KEYS>(shared.v, v, first_key, key_lines);
    copy_async_commit();
    i32 own_key = first_key + static_cast<i32>(threadIdx.x), own_expiry = 0, own_position = 0;
    if (in_part && threadIdx.x < KEYS && own_key < keys)
      own_expiry = expiry[own_key], own_position = key_position[own_key];

    float s[PARTS][N][4];
    multiply(s, own + left_offset(), shared.k + right_offset());
    if (in_part && threadIdx.x < KEYS)
      shared.expiry[threadIdx.x] = own_expiry, shared.key_position[threadIdx.x] = own_position;
    copy_async_wait<0>();
    __syncthreads();
    if (i + 1 < count) copy_tile<KEYS>(shared.k, k, listed_tile(next) * KEYS, key_lines);
    copy_async_commit();

#if SOFTCAP
#pragma unroll
    for (int m = 0; m < PARTS; m++)
#pragma unroll
      for (int n = 0; n < N; n++)
#pragma unroll
        for (int e = 0; e < 4; e++) s[m][n][e] = cap * fast_tanh(s[m][n][e] * q_factor);
#endif
    if (in_part) hide(s, shared, first_key, window);
    soften(s, sum, most, total, unit);
    u32 weights[PARTS][N / 2][4];
    as_left(weights, s);
    multiply_add(sum, weights, shared.v + left_offset());
    entry = next;
  }
  copy_async_wait<0>();

  float factors[PARTS][2];
  i32 first_row = tile * ROWS + static_cast<i32>(threadIdx.x / WARP) * PARTS * 16;
#pragma unroll
  for (int m = 0; m < PARTS; m++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float all = total[m][half];
      all += __shfl_xor_sync(ALL_LANES, all, 1);
      all += __shfl_xor_sync(ALL_LANES, all, 2);
      factors[m][half] = all > 0 ? 1.f / all : 0.f;
      i32 row = first_row + line_of(m, half);
      if (lse != nullptr && threadIdx.x % 4 == 0 && row < row_count)
        lse[rows.place(row)] = all > 0 ? fmaf(most[m][half], unit, log2f(all)) * LN_2 : minus_infinity();
    }
  put(out, sum, factors, own, first_row, rows);
}
