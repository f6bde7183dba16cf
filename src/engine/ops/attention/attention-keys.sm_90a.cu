// dk and dv as attention-keys.cu computes them, by warpgroups of 64 keys. While weights and gradients of scores are worked
// out, products that do not need them go on: those of the values, and those of the tile before.
//
// Macros: HEAD_DIM, WARPGROUPS, ROWS (of a tile), SOFTCAP (0 or 1).
#include "attention-warpgroups.cuh"

constexpr int KEYS = WARPGROUPS * WARPGROUP_LINES, N = ROWS / 8;
// Tiles of rows in shared memory: one that the last products of a step still read, one at work, one on its way.
constexpr int STAGES = 3;

struct RowTile {
  bf16 q[ROWS * HEAD_DIM], dout[ROWS * HEAD_DIM];
};

struct Shared {
  bf16 k[KEYS * HEAD_DIM], v[KEYS * HEAD_DIM];
  RowTile tiles[STAGES];
  i32 index[2][ROWS], position[2][ROWS];
  float lse[2][ROWS], delta[2][ROWS]; // lse in base 2, infinite for rows that see nothing
};

struct OwnKeys {
  i32 key[2], expiry[2], position[2]; // of this lane's two keys
};

// Products q·k become weights, as the left factor of the sum of dv; what they leave in `s` is the factor of the gradients
// of scores.
template <bool IN_PART>
__device__ __forceinline__ void weigh(u32 (&left)[N / 2][4], float (&s)[N][4], const Shared &shared, int turn,
                                      const OwnKeys &own, float q_factor, i32 reach, float cap) {
#pragma unroll
  for (int n = 0; n < N; n++) {
    float weights[4];
#pragma unroll
    for (int e = 0; e < 2; e++) {
      int line = column_of(n) + e;
      float lse = shared.lse[turn][line];
      i32 index = IN_PART ? shared.index[turn][line] : 0, position = IN_PART ? shared.position[turn][line] : 0;
#pragma unroll
      for (int half = 0; half < 2; half++) {
        float &x = s[n][2 * half + e], &weight = weights[2 * half + e];
        float squeezed = SOFTCAP ? fast_tanh(x * q_factor) : x;
        weight = fast_exp2(fmaf(squeezed, SOFTCAP ? cap : q_factor, -lse));
        if (IN_PART) {
          bool seen = sees(index, position, own.key[half], own.expiry[half], own.position[half], reach);
          weight = seen ? weight : 0.f;
        }
        x = SOFTCAP ? weight * (1.f - squeezed * squeezed) : weight;
      }
    }
#pragma unroll
    for (int half = 0; half < 2; half++)
      left[n / 2][n % 2 * 2 + half] = pack_bf16(weights[2 * half], weights[2 * half + 1]);
  }
}

// Gradients of weights become those of scores, over scale.
__device__ __forceinline__ void differentiate(float (&dp)[N][4], const float (&factors)[N][4], const Shared &shared,
                                              int turn) {
#pragma unroll
  for (int n = 0; n < N; n++)
#pragma unroll
    for (int e = 0; e < 2; e++) {
      float delta = shared.delta[turn][column_of(n) + e];
#pragma unroll
      for (int i = e; i < 4; i += 2) dp[n][i] = factors[n][i] * (dp[n][i] - delta);
    }
}

// A warp's sums as one share of several.
__device__ __forceinline__ void put_share(float *to, const float (&sum)[COLUMNS][4]) {
#pragma unroll
  for (int half = 0; half < 2; half++)
#pragma unroll
    for (int n = 0; n < COLUMNS; n++)
      *reinterpret_cast<float2 *>(to + line_of(0, half) * HEAD_DIM + column_of(n)) =
          make_float2(sum[n][2 * half], sum[n][2 * half + 1]);
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
    attention_keys_warpgroups(bf16 *dk, bf16 *dv, float *shares, const bf16 *dout, const float *lse, const float *delta,
                              const bf16 *q, const bf16 *k, const bf16 *v, const i32 *index, const i32 *expiry,
                              const i32 *query_position, const i32 *key_position, const i32 *totals, const int4 *chunks,
                              const i32 *lists, i32 row_tiles, i32 row_count, i32 key_count, i32 heads, i32 kv_heads,
                              u32 reciprocal, float scale, float q_factor, i32 reach, float cap) {
  i32 kv_head = blockIdx.x % kv_heads, number = blockIdx.x / kv_heads;
  if (number >= totals[0]) return;
  int4 chunk = chunks[number];
  FETTLE_SHARED(bytes);
  Shared &shared = aligned_shared<Shared>(bytes);
  Rows rows = {row_count, heads, heads / kv_heads, kv_head, reciprocal};
  Keys keys = {key_count, kv_heads, kv_head};
  const i32 *list = lists + static_cast<i64>(chunk.x) * row_tiles + chunk.y;
  i32 first_key = chunk.x * KEYS, count = chunk.z, entry = count > 0 ? list[0] : 0;

  copy_tiles<KEYS>(first_key, keys, Copy{shared.k, k}, Copy{shared.v, v});
  auto copy_rows = [&](i32 entry, int stage) {
    RowTile &to = shared.tiles[stage];
    copy_tiles<ROWS>(listed_tile(entry) * ROWS, rows, Copy{to.q, q}, Copy{to.dout, dout});
  };
  if (count > 0) copy_rows(entry, 0);
  copy_async_commit();

  // What is known of the rows of a tile goes by way of registers, one row a thread, while the tile before is worked on.
  i32 own_index = -1, own_position = 0;
  float own_lse = 0, own_delta = 0;
  auto fetch_row_facts = [&](i32 entry) {
    if (threadIdx.x >= ROWS) return;
    i32 row = listed_tile(entry) * ROWS + static_cast<i32>(threadIdx.x);
    bool there = row < row_count;
    i32 place = rows.place(there ? row : 0), query = rows.query(there ? row : 0);
    own_lse = there ? lse[place] : minus_infinity();
    own_delta = there ? delta[place] : 0.f;
    own_index = there ? index[query] : -1;
    own_position = there ? query_position[query] : 0;
  };
  auto keep_row_facts = [&](int turn) {
    if (threadIdx.x >= ROWS) return;
    shared.lse[turn][threadIdx.x] = own_lse == minus_infinity() ? -minus_infinity() : own_lse * LOG2_E;
    shared.delta[turn][threadIdx.x] = own_delta;
    shared.index[turn][threadIdx.x] = own_index;
    shared.position[turn][threadIdx.x] = own_position;
  };
  if (count > 0) fetch_row_facts(entry), keep_row_facts(0);

  int warp = warp_number(), warpgroup = warp / 4, first_line = warp * 16;
  OwnKeys own;
#pragma unroll
  for (int half = 0; half < 2; half++) {
    own.key[half] = first_key + first_line + line_of(0, half);
    bool there = own.key[half] < key_count;
    own.expiry[half] = there ? expiry[own.key[half]] : 0;
    own.position[half] = there ? key_position[own.key[half]] : 0;
  }
  u64 own_lines = warpgroup * (WARPGROUP_LINES * PANEL_LINE_BYTES / 16);
  u64 k_tile = tile_descriptor(shared_address(shared.k), KEYS) + own_lines;
  u64 v_tile = tile_descriptor(shared_address(shared.v), KEYS) + own_lines;
  u64 q_tile = tile_descriptor(shared_address(shared.tiles[0].q), ROWS);
  u64 dout_tile = tile_descriptor(shared_address(shared.tiles[0].dout), ROWS);
  float sum_k[COLUMNS][4] = {}, sum_v[COLUMNS][4] = {};
  float s[N][4], dp[N][4];
  u32 weights[N / 2][4], ds[N / 2][4];
  int stage = 0;
  for (i32 i = 0; i < count; i++) {
    int turn = i % 2, next_stage = stage == STAGES - 1 ? 0 : stage + 1;
    i32 next = list[min(i + 1, count - 1)];
    // All copies so far are there, and nobody is at work on the tile before the last.
    copy_async_wait<0>();
    fence_for_products();
    __syncthreads();
    if (i + 1 < count) copy_rows(next, next_stage);
    copy_async_commit();
    fetch_row_facts(next);
    if (is_seen(entry, 2 * warpgroup) || is_seen(entry, 2 * warpgroup + 1)) {
      u64 at = stage * (sizeof(RowTile) / 16);
      multiply<KEYS, ROWS>(s, k_tile, q_tile + at);
      multiply<KEYS, ROWS>(dp, v_tile, dout_tile + at);
      // The last tile's products, too, are done with these.
      wgmma_wait<1>();
      settle(s), settle(sum_k), settle(sum_v);
      bool all_seen = is_fully_seen(entry, 2 * warpgroup) && is_fully_seen(entry, 2 * warpgroup + 1);
      if (all_seen) weigh<false>(weights, s, shared, turn, own, q_factor, reach, cap);
      else weigh<true>(weights, s, shared, turn, own, q_factor, reach, cap);
      multiply_add(sum_v, weights, dout_tile + at);
      wgmma_wait<1>();
      settle(dp);
      differentiate(dp, s, shared, turn);
      as_left(ds, dp);
      multiply_add(sum_k, ds, q_tile + at);
    } else {
      wgmma_wait<0>();
    }
    keep_row_facts(turn ^ 1);
    entry = next, stage = next_stage;
  }
  copy_async_wait<0>();
  wgmma_wait<0>();
  settle(sum_k), settle(sum_v);

  if (chunk.w >= 0) {
    float *share = shares + (static_cast<i64>(chunk.w) * kv_heads + kv_head) * (2 * KEYS * HEAD_DIM);
    put_share(share + first_line * HEAD_DIM, sum_k);
    put_share(share + (KEYS + first_line) * HEAD_DIM, sum_v);
    return;
  }
  float scales[2] = {scale, scale}, ones[2] = {1.f, 1.f};
  put(dk, sum_k, scales, first_key + first_line, keys);
  put(dv, sum_v, ones, first_key + first_line, keys);
}
