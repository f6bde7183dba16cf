// dq and delta as attention-queries.cu computes them, by warpgroups of 64 rows. The last products of a tile of keys go on
// while the first of the next one begin.
//
// Macros: HEAD_DIM, WARPGROUPS, KEYS (of a step), PIECE (keys of a listed tile), SOFTCAP (0 or 1).
#include "attention-warpgroups.cuh"

constexpr int ROWS = WARPGROUPS * WARPGROUP_LINES, N = KEYS / 8;
// The last products of a step still read its keys while those of the next are at work and the ones after on their way;
// its values nobody reads any more.
constexpr int K_STAGES = 3, V_STAGES = 2;

struct Shared {
  bf16 q[ROWS * HEAD_DIM], dout[ROWS * HEAD_DIM];
  bf16 k[K_STAGES][KEYS * HEAD_DIM], v[V_STAGES][KEYS * HEAD_DIM];
  i32 expiry[2][KEYS], key_position[2][KEYS];
};

using Step = KeyStep<KEYS / PIECE, PIECE>;

struct OwnRows {
  i32 index[2], position[2]; // of this lane's two rows
  float lse[2], delta[2]; // lse in base 2, infinite for rows that see nothing
};

// Products q·k become weights, times what a cap lets through of their gradients.
template <bool IN_PART>
__device__ __forceinline__ void weigh(float (&s)[N][4], const Shared &shared, const OwnRows &own, int turn,
                                      const Step &step, float q_factor, i32 reach, float cap) {
#pragma unroll
  for (int n = 0; n < N; n++)
#pragma unroll
    for (int e = 0; e < 2; e++) {
      i32 column = column_of(n) + e, expiry = IN_PART ? shared.expiry[turn][column] : 0;
      i32 key_position = IN_PART ? shared.key_position[turn][column] : 0;
      i32 key = step.first_key(n * 8 / PIECE) + column % PIECE;
#pragma unroll
      for (int half = 0; half < 2; half++) {
        float &x = s[n][2 * half + e];
        float squeezed = SOFTCAP ? fast_tanh(x * q_factor) : x;
        float weight = fast_exp2(fmaf(squeezed, SOFTCAP ? cap : q_factor, -own.lse[half]));
        if (IN_PART) {
          bool seen = sees(own.index[half], own.position[half], key, expiry, key_position, reach);
          weight = seen ? weight : 0.f;
        }
        x = SOFTCAP ? weight * (1.f - squeezed * squeezed) : weight;
      }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
    attention_queries_warpgroups(bf16 *dq, float *delta, const bf16 *dout, const bf16 *out, const float *lse,
                                 const bf16 *q, const bf16 *k, const bf16 *v, const i32 *index, const i32 *expiry,
                                 const i32 *query_position, const i32 *key_position, const i32 *counts,
                                 const i32 *lists, i32 row_tiles, i32 pieces, i32 row_count, i32 keys, i32 heads,
                                 i32 kv_heads, u32 reciprocal, float scale, float q_factor, i32 reach, float cap) {
  FETTLE_SHARED(bytes);
  Shared &shared = aligned_shared<Shared>(bytes);
  // Later tiles see more keys: they begin first.
  i32 kv_head = blockIdx.x % kv_heads, tile = row_tiles - 1 - static_cast<i32>(blockIdx.x) / kv_heads;
  Rows rows = {row_count, heads, heads / kv_heads, kv_head, reciprocal};
  Keys key_lines = {keys, kv_heads, kv_head};
  const i32 *list = lists + static_cast<i64>(tile) * pieces;
  i32 count = counts[tile];

  copy_tiles<ROWS>(tile * ROWS, rows, Copy{shared.q, q}, Copy{shared.dout, dout});
  Step step;
  step.fetch(list, pieces, count, 0);
  step.copy(key_lines, Copy{shared.k[0], k}, Copy{shared.v[0], v});
  copy_async_commit();
  // What masks need of the keys of a step goes by way of registers, one key a thread, while the step before is worked on.
  i32 own_expiry = 0, own_position = 0;
  auto fetch_key_facts = [&](const Step &step) {
    if (threadIdx.x >= KEYS) return;
    i32 key = step.key(threadIdx.x);
    own_expiry = key < keys ? expiry[key] : 0;
    own_position = key < keys ? key_position[key] : 0;
  };
  auto keep_key_facts = [&](int turn) {
    if (threadIdx.x >= KEYS) return;
    shared.expiry[turn][threadIdx.x] = own_expiry;
    shared.key_position[turn][threadIdx.x] = own_position;
  };
  fetch_key_facts(step);
  keep_key_facts(0);

  int warp = warp_number(), warpgroup = warp / 4, first_row = tile * ROWS + warp * 16;
  OwnRows own;
#pragma unroll
  for (int half = 0; half < 2; half++) {
    i32 row = first_row + line_of(0, half), query = rows.query(min(row, row_count - 1));
    i64 place = rows.place(min(row, row_count - 1));
    float natural = row < row_count ? lse[place] : minus_infinity();
    own.index[half] = row < row_count ? index[query] : -1;
    own.position[half] = query_position[query];
    own.lse[half] = natural == minus_infinity() ? -minus_infinity() : natural * LOG2_E;
    // delta = dout·out, four lanes a row.
    float sum = 0;
#pragma unroll
    for (int chunk = 0; chunk < CHUNKS; chunk += 4) {
      i64 at = place * HEAD_DIM + (chunk + threadIdx.x % 4) * 8;
      float a[8], b[8];
      load8(dout + at, a), load8(out + at, b);
      for (int i = 0; i < 8; i++) sum = fmaf(a[i], b[i], sum);
    }
    sum += __shfl_xor_sync(ALL_LANES, sum, 1);
    sum += __shfl_xor_sync(ALL_LANES, sum, 2);
    own.delta[half] = sum;
    if (threadIdx.x % 4 == 0 && row < row_count) delta[place] = sum;
  }

  u64 own_lines = warpgroup * (WARPGROUP_LINES * PANEL_LINE_BYTES / 16);
  u64 q_tile = tile_descriptor(shared_address(shared.q), ROWS) + own_lines;
  u64 dout_tile = tile_descriptor(shared_address(shared.dout), ROWS) + own_lines;
  u64 k_tile = tile_descriptor(shared_address(shared.k), KEYS), v_tile = tile_descriptor(shared_address(shared.v), KEYS);
  constexpr u64 NEXT = KEYS * HEAD_DIM * sizeof(bf16) / 16;
  float sum[COLUMNS][4] = {}, s[N][4], dp[N][4];
  u32 ds[N / 2][4];
  i32 steps = (count + Step::COUNT - 1) / Step::COUNT;
  int stage = 0;
  for (i32 i = 0; i < steps; i++) {
    int turn = i % 2, next_stage = stage == K_STAGES - 1 ? 0 : stage + 1;
    Step next;
    next.fetch(list, pieces, count, i + 1);
    // All copies so far are there, and nobody is at work on the keys before the last, nor on the last values.
    copy_async_wait<0>();
    fence_for_products();
    __syncthreads();
    multiply<ROWS, KEYS>(s, q_tile, k_tile + stage * NEXT);
    multiply<ROWS, KEYS>(dp, dout_tile, v_tile + turn * NEXT);
    if (i + 1 < steps) {
      next.copy(key_lines, Copy{shared.k[next_stage], k}, Copy{shared.v[turn ^ 1], v});
      fetch_key_facts(next);
    }
    copy_async_commit();
    // The last keys' products, too, are done with these.
    wgmma_wait<1>();
    settle(s), settle(sum);
    if (step.all_seen(warpgroup)) weigh<false>(s, shared, own, turn, step, q_factor, reach, cap);
    else weigh<true>(s, shared, own, turn, step, q_factor, reach, cap);
    keep_key_facts(turn ^ 1);
    wgmma_wait<0>();
    settle(dp);
#pragma unroll
    for (int n = 0; n < N; n++)
#pragma unroll
      for (int e = 0; e < 4; e++) dp[n][e] = s[n][e] * (dp[n][e] - own.delta[e / 2]);
    as_left(ds, dp);
    multiply_add(sum, ds, k_tile + stage * NEXT);
    step = next, stage = next_stage;
  }
  copy_async_wait<0>();
  wgmma_wait<0>();
  settle(sum);
  float scales[2] = {scale, scale};
  put(dq, sum, scales, first_row, rows);
}
