// out and lse as attention-forward.cu computes them, by warpgroups of 64 rows. While the softmax of one tile is worked
// out, the values of the tile before are added up.
//
// Macros: HEAD_DIM, WARPGROUPS, KEYS (of a step), PIECE (keys of a listed tile), SOFTCAP (0 or 1).
#include "attention-warpgroups.cuh"

constexpr int ROWS = WARPGROUPS * WARPGROUP_LINES, N = KEYS / 8;

struct Shared {
  bf16 q[2][ROWS * HEAD_DIM], k[2][KEYS * HEAD_DIM], v[2][KEYS * HEAD_DIM];
  i32 expiry[2][KEYS], key_position[2][KEYS];
};

using Step = KeyStep<KEYS / PIECE, PIECE>;

// The base that a row's exponents are taken from begins below all scores and is raised only where a score is past it by
// so much: weights stay small enough, and what was added up is seldom scaled anew.
constexpr float LOWEST = -1e30f, SLACK = 8;

struct Softmax {
  float base[2], total[2]; // total: of the weights in this lane's columns
};

struct OwnRows {
  i32 index[2], position[2]; // of this lane's two rows
};

// Scores that a row does not see become -infinity.
__device__ __forceinline__ void hide(float (&s)[N][4], const Shared &shared, const OwnRows &own, int turn,
                                     const Step &step, i32 reach) {
#pragma unroll
  for (int n = 0; n < N; n++)
#pragma unroll
    for (int e = 0; e < 2; e++) {
      i32 column = column_of(n) + e, expiry = shared.expiry[turn][column];
      i32 key = listed_tile(step.entries[n * 8 / PIECE]) * PIECE + column % PIECE;
      i32 key_position = shared.key_position[turn][column];
#pragma unroll
      for (int half = 0; half < 2; half++) {
        float &x = s[n][2 * half + e];
        x = sees(own.index[half], own.position[half], key, expiry, key_position, reach) ? x : minus_infinity();
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

// Closes the softmax of the rows that this lane holds from `first_row` on: lse, and what their sums are multiplied by.
__device__ __forceinline__ void close(float (&factors)[2], float *lse, const Softmax &softmax, i32 first_row,
                                      const Rows &rows) {
#pragma unroll
  for (int half = 0; half < 2; half++) {
    float all = softmax.total[half];
    all += __shfl_xor_sync(ALL_LANES, all, 1);
    all += __shfl_xor_sync(ALL_LANES, all, 2);
    factors[half] = all > 0 ? __fdividef(1.f, all) : 0.f;
    i32 row = first_row + line_of(0, half);
    if (lse != nullptr && threadIdx.x % 4 == 0 && row < rows.count)
      lse[rows.place(row)] = all > 0 ? (softmax.base[half] + __log2f(all)) * LN_2 : minus_infinity();
  }
}

// out and lse of a tile of rows that see nothing.
__device__ __forceinline__ void finish_unseen(bf16 *out, float *lse, i32 tile, const Rows &rows) {
  for (i32 i = threadIdx.x; i < ROWS * CHUNKS; i += THREADS) {
    i32 row = tile * ROWS + i / CHUNKS, chunk = i % CHUNKS;
    if (row >= rows.count) break;
    i64 place = rows.place(row);
    *reinterpret_cast<uint4 *>(out + place * HEAD_DIM + chunk * 8) = make_uint4(0, 0, 0, 0);
    if (lse != nullptr && chunk == 0) lse[place] = minus_infinity();
  }
}

// A block does the tiles blockIdx.x, blockIdx.x + gridDim.x and so on as one sequence of steps: the first scores of a
// tile are computed while the last values of the one before are added up.
//
// q_factor: on q·k, giving base-2 exponents, or tanh's argument under a cap; cap: of base-2 exponents.
extern "C" __global__ void __launch_bounds__(THREADS, 1)
    attention_forward_warpgroups(bf16 *out, float *lse, const bf16 *q, const bf16 *k, const bf16 *v, const i32 *index,
                                 const i32 *expiry, const i32 *query_position, const i32 *key_position,
                                 const i32 *counts, const i32 *lists, i32 row_tiles, i32 pieces, i32 row_count,
                                 i32 keys, i32 heads, i32 kv_heads, u32 reciprocal, float q_factor, i32 reach,
                                 float cap) {
  FETTLE_SHARED(bytes);
  Shared &shared = aligned_shared<Shared>(bytes);
  int warp = warp_number(), warpgroup = warp / 4;
  i32 work_end = row_tiles * kv_heads;
  // Later tiles see more keys: they begin first.
  auto tile_of = [&](i32 work) { return row_tiles - 1 - work / kv_heads; };
  auto rows_of = [&](i32 work) { return Rows{row_count, heads, heads / kv_heads, work % kv_heads, reciprocal}; };
  auto count_of = [&](i32 work) { return work < work_end ? counts[tile_of(work)] : 0; };
  // Of this warp.
  auto first_row = [&](i32 work) { return tile_of(work) * ROWS + warp * 16; };
  // Tiles that see nothing are done at once.
  auto skip_unseen = [&](i32 &work, i32 &count) {
    while (count == 0 && work < work_end) {
      finish_unseen(out, lse, tile_of(work), rows_of(work));
      work += gridDim.x;
      count = count_of(work);
    }
  };
  // What masks need of the keys of a step goes by way of registers, one key a thread, while the step before is worked on.
  i32 own_expiry = 0, own_position = 0;
  auto fetch_key_facts = [&](const Step &step) {
    i32 key = step.key(threadIdx.x % KEYS);
    bool there = threadIdx.x < KEYS && key < keys;
    own_expiry = there ? expiry[key] : 0;
    own_position = there ? key_position[key] : 0;
  };
  auto keep_key_facts = [&](int turn) {
    if (threadIdx.x >= KEYS) return;
    shared.expiry[turn][threadIdx.x] = own_expiry;
    shared.key_position[turn][threadIdx.x] = own_position;
  };
  OwnRows own = {};
  auto fetch_row_facts = [&](i32 work) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      i32 row = first_row(work) + line_of(0, half);
      i32 query = rows_of(work).query(min(row, row_count - 1));
      own.index[half] = row < row_count ? index[query] : -1;
      own.position[half] = query_position[query];
    }
  };
  // All copies so far are there, and nobody is at work on what the step before read.
  auto meet = [&]() {
    copy_async_wait<0>();
    fence_for_products();
    __syncthreads();
  };

  i32 work = blockIdx.x, count = count_of(work);
  skip_unseen(work, count);
  if (work >= work_end) return;
  const i32 *list = lists + static_cast<i64>(tile_of(work)) * pieces;
  Keys key_lines = {keys, kv_heads, work % kv_heads};
  Step step;
  step.fetch(list, pieces, count, 0);
  copy_tiles<ROWS>(tile_of(work) * ROWS, rows_of(work), Copy{shared.q[0], q});
  step.copy(key_lines, Copy{shared.k[0], k});
  copy_async_commit();
  fetch_key_facts(step);
  keep_key_facts(0);

  u64 q_tile = tile_descriptor(shared_address(shared.q), ROWS) + warpgroup * (WARPGROUP_LINES * PANEL_LINE_BYTES / 16);
  u64 k_tile = tile_descriptor(shared_address(shared.k), KEYS), v_tile = tile_descriptor(shared_address(shared.v), KEYS);
  constexpr u64 NEXT_Q = ROWS * HEAD_DIM * sizeof(bf16) / 16, NEXT_K = KEYS * HEAD_DIM * sizeof(bf16) / 16;
  constexpr Softmax UNTOUCHED = {{LOWEST, LOWEST}, {0, 0}};
  float unit = SOFTCAP ? 1.f : q_factor;
  float sum[COLUMNS][4] = {}, s[N][4], shrink[2], factors[2] = {0, 0};
  u32 weights[N / 2][4] = {};
  Softmax softmax = UNTOUCHED;
  i32 number = 0, last = -1, next_count = 0; // of the step in its tile; the tile before; pieces of the tile after
  // Steps alternate between two places for keys and for values, tiles between two for queries.
  int turn = 0, q_turn = 0;
  for (;;) {
    bool begins = number == 0, ends = (number + 1) * Step::COUNT >= count;
    meet();
    multiply<ROWS, KEYS>(s, q_tile + q_turn * NEXT_Q, k_tile + turn * NEXT_K);
    // In the first step of all, anything: the sum of the first tile begins at its end.
    multiply_add(sum, weights, v_tile + (turn ^ 1) * NEXT_K);

    // What the next step needs is on its way while this one's products are.
    step.copy(key_lines, Copy{shared.v[turn], v});
    if (begins) {
      fetch_row_facts(work);
      next_count = count_of(work + gridDim.x);
    }
    i32 done = work;
    if (ends) {
      work += gridDim.x, count = next_count;
      skip_unseen(work, count);
      list = lists + static_cast<i64>(tile_of(work)) * pieces;
      key_lines.kv_head = work % kv_heads;
      number = -1, q_turn ^= 1;
    }
    Step next_step;
    if (work < work_end) {
      next_step.fetch(list, pieces, count, ++number);
      if (ends) copy_tiles<ROWS>(tile_of(work) * ROWS, rows_of(work), Copy{shared.q[q_turn], q});
      next_step.copy(key_lines, Copy{shared.k[turn ^ 1], k});
      fetch_key_facts(next_step);
    }
    copy_async_commit();

    wgmma_wait<1>();
    settle(s);
    if (begins) softmax = UNTOUCHED;
#if SOFTCAP
#pragma unroll
    for (int n = 0; n < N; n++)
#pragma unroll
      for (int e = 0; e < 4; e++) s[n][e] = cap * fast_tanh(s[n][e] * q_factor);
#endif
    if (!step.all_seen(warpgroup)) hide(s, shared, own, turn, step, reach);
    bool raised = weigh(s, softmax, shrink, unit);
    keep_key_facts(turn ^ 1);
    compute_now(softmax.total[0] + softmax.total[1]);

    wgmma_wait<0>();
    settle(sum);
    if (begins && last >= 0) put(out, sum, factors, first_row(last), rows_of(last));
    if (begins || raised) {
#pragma unroll
      for (int n = 0; n < COLUMNS; n++)
#pragma unroll
        for (int e = 0; e < 4; e++) sum[n][e] = begins ? 0.f : sum[n][e] * shrink[e / 2];
    }
    as_left(weights, s);
    if (ends) close(factors, lse, softmax, first_row(done), rows_of(done)), last = done;
    if (work >= work_end) break;
    step = next_step, turn ^= 1;
  }
  meet();
  multiply_add(sum, weights, v_tile + turn * NEXT_K);
  wgmma_wait<0>();
  settle(sum);
  put(out, sum, factors, first_row(last), rows_of(last));
}
