// out and lse as attention-forward.cu computes them, by warpgroups of 64 rows. While the softmax of one tile is worked
// out, the values of the tile before are added up.
//
// Macros: HEAD_DIM, WARPGROUPS, KEYS (of a tile), SOFTCAP (0 or 1).
#include "attention-warpgroups.cuh"

constexpr int ROWS = WARPGROUPS * WARPGROUP_LINES, N = KEYS / 8;

struct Shared {
  bf16 q[ROWS * HEAD_DIM], k[2][KEYS * HEAD_DIM], v[2][KEYS * HEAD_DIM];
  i32 index[ROWS], position[ROWS], expiry[2][KEYS], key_position[2][KEYS];
};

// The base that a row's exponents are taken from begins below all scores and is raised only where a score is past it by
// so much: weights stay small enough, and what was added up is seldom scaled anew.
constexpr float LOWEST = -1e30f, SLACK = 8;

struct Softmax {
  float base[2], total[2]; // total: of the weights in this lane's columns
};

// Scores that a row does not see become -infinity.
__device__ __forceinline__ void hide(float (&s)[N][4], const Shared &shared, int first_line, int turn, i32 first_key,
                                     i32 reach) {
  i32 index[2], position[2];
#pragma unroll
  for (int half = 0; half < 2; half++) {
    index[half] = shared.index[first_line + line_of(0, half)];
    position[half] = shared.position[first_line + line_of(0, half)];
  }
#pragma unroll
  for (int n = 0; n < N; n++)
#pragma unroll
    for (int e = 0; e < 2; e++) {
      i32 column = column_of(n) + e, expiry = shared.expiry[turn][column];
      i32 key_position = shared.key_position[turn][column];
#pragma unroll
      for (int half = 0; half < 2; half++) {
        float &x = s[n][2 * half + e];
        bool seen = sees(index[half], position[half], first_key + column, expiry, key_position, reach);
        x = seen ? x : minus_infinity();
      }
    }
}

// Raises the bases to what the scores need, unit · score being exponents of 2, and turns scores into weights. What was
// added up must be multiplied by `shrink` where the result is true for any lane of the warp.
__device__ __forceinline__ bool weigh(float (&s)[N][4], Softmax &softmax, float (&shrink)[2], float unit) {
  bool raised = false;
#pragma unroll
  for (int half = 0; half < 2; half++) {
    float highest = minus_infinity();
#pragma unroll
    for (int n = 0; n < N; n++) highest = fmaxf(highest, fmaxf(s[n][2 * half], s[n][2 * half + 1]));
    highest = fmaxf(highest, __shfl_xor_sync(ALL_LANES, highest, 1));
    highest = unit * fmaxf(highest, __shfl_xor_sync(ALL_LANES, highest, 2));
    float &base = softmax.base[half], before = base;
    base = highest > base + SLACK ? highest : base;
    raised |= base != before;
    shrink[half] = fast_exp2(before - base);
    float total = softmax.total[half] * shrink[half];
#pragma unroll
    for (int n = 0; n < N; n++)
#pragma unroll
      for (int e = 2 * half; e < 2 * half + 2; e++) {
        s[n][e] = fast_exp2(fmaf(s[n][e], unit, -base));
        total += s[n][e];
      }
    softmax.total[half] = total;
  }
  return __any_sync(ALL_LANES, raised);
}

// q_factor: on q·k, giving base-2 exponents, or tanh's argument under a cap; cap: of base-2 exponents.
extern "C" __global__ void __launch_bounds__(THREADS, 1)
    attention_forward_warpgroups(bf16 *out, float *lse, const bf16 *q, const bf16 *k, const bf16 *v, const i32 *index,
                                 const i32 *expiry, const i32 *query_position, const i32 *key_position,
                                 const i32 *counts, const i32 *lists, i32 row_tiles, i32 key_tiles, i32 row_count,
                                 i32 keys, i32 heads, i32 kv_heads, u32 reciprocal, float q_factor, i32 reach,
                                 float cap) {
  FETTLE_SHARED(bytes);
  Shared &shared = aligned_shared<Shared>(bytes);
  // Later tiles see more keys: they begin first.
  i32 kv_head = blockIdx.x % kv_heads, tile = row_tiles - 1 - static_cast<i32>(blockIdx.x) / kv_heads;
  Rows rows = {row_count, heads, heads / kv_heads, kv_head, reciprocal};
  Keys key_lines = {keys, kv_heads, kv_head};
  const i32 *list = lists + static_cast<i64>(tile) * key_tiles;
  i32 count = counts[tile], entry = count > 0 ? list[0] : 0;

  copy_tiles<ROWS>(tile * ROWS, rows, Copy{shared.q, q});
  if (count > 0) copy_tiles<KEYS>(listed_tile(entry) * KEYS, key_lines, Copy{shared.k[0], k});
  copy_async_commit();
  for (int line = threadIdx.x; line < ROWS; line += THREADS) {
    i32 row = tile * ROWS + line;
    bool there = row < row_count;
    i32 query = rows.query(there ? row : 0);
    shared.index[line] = there ? index[query] : -1;
    shared.position[line] = query_position[query];
  }
  // What masks need of the keys of a tile goes by way of registers, one key a thread, while the tile before is worked on.
  i32 own_expiry = 0, own_position = 0;
  auto fetch_key_facts = [&](i32 entry) {
    i32 key = listed_tile(entry) * KEYS + static_cast<i32>(threadIdx.x);
    bool there = threadIdx.x < KEYS && key < keys;
    own_expiry = there ? expiry[key] : 0;
    own_position = there ? key_position[key] : 0;
  };
  auto keep_key_facts = [&](int turn) {
    if (threadIdx.x >= KEYS) return;
    shared.expiry[turn][threadIdx.x] = own_expiry;
    shared.key_position[turn][threadIdx.x] = own_position;
  };

  int warpgroup = warpgroup_number(), first_line = warp_number() * 16;
  float unit = SOFTCAP ? 1.f : q_factor;
  float sum[COLUMNS][4] = {}, s[N][4], shrink[2];
  u32 weights[N / 2][4];
  Softmax softmax = {{LOWEST, LOWEST}, {0, 0}};
  u64 q_tile = tile_descriptor(shared_address(shared.q), ROWS) + warpgroup * (WARPGROUP_LINES * PANEL_LINE_BYTES / 16);
  u64 k_tile = tile_descriptor(shared_address(shared.k), KEYS), v_tile = tile_descriptor(shared_address(shared.v), KEYS);
  constexpr u64 STAGE = KEYS * HEAD_DIM * sizeof(bf16) / 16;

  // All threads' copies so far are there, and nobody is at work on the tiles of the iteration before.
  auto meet = [&]() {
    copy_async_wait<0>();
    fence_for_products();
    __syncthreads();
  };
  auto copy_next = [&](i32 i, i32 entry, i32 next) {
    copy_tiles<KEYS>(listed_tile(entry) * KEYS, key_lines, Copy{shared.v[i % 2], v});
    if (i + 1 < count) copy_tiles<KEYS>(listed_tile(next) * KEYS, key_lines, Copy{shared.k[(i + 1) % 2], k});
    copy_async_commit();
    fetch_key_facts(next);
  };
  auto score = [&](i32 i, i32 entry) {
#if SOFTCAP
#pragma unroll
    for (int n = 0; n < N; n++)
#pragma unroll
      for (int e = 0; e < 4; e++) s[n][e] = cap * fast_tanh(s[n][e] * q_factor);
#endif
    bool all_seen = is_fully_seen(entry, 2 * warpgroup) && is_fully_seen(entry, 2 * warpgroup + 1);
    if (!all_seen) hide(s, shared, first_line, i % 2, listed_tile(entry) * KEYS, reach);
    return weigh(s, softmax, shrink, unit);
  };

  if (count > 0) {
    fetch_key_facts(entry);
    keep_key_facts(0);
    i32 next = list[min(1, count - 1)];
    meet();
    multiply<ROWS, KEYS>(s, q_tile, k_tile);
    copy_next(0, entry, next);
    wgmma_wait<0>();
    settle(s);
    score(0, entry);
    keep_key_facts(1);
    as_left(weights, s);
    for (i32 i = 1; i < count; i++) {
      entry = next, next = list[min(i + 1, count - 1)];
      meet();
      multiply<ROWS, KEYS>(s, q_tile, k_tile + i % 2 * STAGE);
      multiply_add(sum, weights, v_tile + (i + 1) % 2 * STAGE);
      copy_next(i, entry, next);
      wgmma_wait<1>();
      settle(s);
      bool raised = score(i, entry);
      keep_key_facts((i + 1) % 2);
      wgmma_wait<0>();
      settle(sum);
      if (raised) {
#pragma unroll
        for (int n = 0; n < COLUMNS; n++)
#pragma unroll
          for (int e = 0; e < 4; e++) sum[n][e] *= shrink[e / 2];
      }
      as_left(weights, s);
    }
    meet();
    multiply_add(sum, weights, v_tile + (count + 1) % 2 * STAGE);
    wgmma_wait<0>();
    settle(sum);
  } else {
    // Queries that nobody waited for have come before their lines take the results.
    copy_async_wait<0>();
    __syncthreads();
  }

  float factors[2];
  i32 first_row = tile * ROWS + first_line;
#pragma unroll
  for (int half = 0; half < 2; half++) {
    float all = softmax.total[half];
    all += __shfl_xor_sync(ALL_LANES, all, 1);
    all += __shfl_xor_sync(ALL_LANES, all, 2);
    factors[half] = all > 0 ? __fdividef(1.f, all) : 0.f;
    i32 row = first_row + line_of(0, half);
    if (lse != nullptr && threadIdx.x % 4 == 0 && row < row_count)
      lse[rows.place(row)] = all > 0 ? (softmax.base[half] + __log2f(all)) * LN_2 : minus_infinity();
  }
  put<ROWS>(out, sum, factors, shared.q, first_line, first_row, rows);
}
