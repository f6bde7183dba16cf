// dk and dv, a tile of keys of one key-value head a block: scores and the gradients of weights are computed again,
// transposed, for one tile of rows after the other, so that they become left factors without leaving registers.
// Where many rows see a tile, as they do a shared beginning, several blocks share it; their sums are added in order.
//
// Macros: HEAD_DIM, WARPS (16 keys each), ROWS (of a tile), STAGES (tiles of rows in shared memory: 2 lets the next
// arrive in time), SOFTCAP (0 or 1).
#include "attention.cuh"

constexpr int KEYS = WARPS * 16, N = ROWS / 8;
// Registers hold the sums of both gradients up to this head size; beyond it blocks with blockIdx.y 0 compute dv, 1 dk.
constexpr bool TOGETHER = HEAD_DIM <= 128;

struct RowTile {
  bf16 q[ROWS * PITCH], dout[ROWS * PITCH];
};

struct Shared {
  bf16 k[KEYS * PITCH], v[KEYS * PITCH];
  RowTile tiles[STAGES];
  i32 index[2][ROWS], position[2][ROWS];
  float lse[2][ROWS], delta[2][ROWS]; // lse in base 2, infinite for rows that see nothing
};

struct Keyed {
  i32 key[2], expiry[2], position[2]; // of this lane's two keys
};

// Products q·k of 16 rows become weights, and their gradients those of scores, over scale.
template <bool IN_PART, bool WITH_DK>
__device__ __forceinline__ void differentiate(float (&s)[1][N][4], float (&dp)[1][N][4], const Shared &shared, int turn,
                                              int k, const Keyed &own, float q_factor, i32 reach, float cap) {
#pragma unroll
  for (int n = 2 * k; n < 2 * k + 2; n++)
#pragma unroll
    for (int e = 0; e < 2; e++) {
      int line = column_of(n) + e;
      float lse = shared.lse[turn][line], delta = WITH_DK ? shared.delta[turn][line] : 0.f;
      i32 index = IN_PART ? shared.index[turn][line] : 0, position = IN_PART ? shared.position[turn][line] : 0;
#pragma unroll
      for (int half = 0; half < 2; half++) {
        float &x = s[0][n][2 * half + e], &d = dp[0][n][2 * half + e];
        float squeezed = SOFTCAP ? fast_tanh(x * q_factor) : x;
        float weight = fast_exp2(fmaf(squeezed, SOFTCAP ? cap : q_factor, -lse));
        if (IN_PART) {
          bool seen = sees(index, position, own.key[half], own.expiry[half], own.position[half], reach);
          weight = seen ? weight : 0.f;
        }
        x = weight;
        if (WITH_DK) d = weight * (d - delta) * (SOFTCAP ? 1.f - squeezed * squeezed : 1.f);
      }
    }
}

// A warp's sums as one share of several.
__device__ __forceinline__ void put_share(float *to, const float (&sum)[1][COLUMNS][4]) {
#pragma unroll
  for (int half = 0; half < 2; half++)
#pragma unroll
    for (int n = 0; n < COLUMNS; n++)
      *reinterpret_cast<float2 *>(to + line_of(0, half) * HEAD_DIM + column_of(n)) =
          make_float2(sum[0][n][2 * half], sum[0][n][2 * half + 1]);
}

struct Inputs {
  const bf16 *dout;
  const float *lse, *delta;
  const bf16 *q, *k, *v;
  const i32 *index, *expiry, *query_position, *key_position;
};

template <bool WITH_DK, bool WITH_DV>
__device__ __forceinline__ void add_up(bf16 *dk, bf16 *dv, float *shares, const Inputs &in, int4 chunk, const i32 *list,
                                       const Rows &rows, const Keys &keys, float scale, float q_factor, i32 reach,
                                       float cap) {
  FETTLE_SHARED(bytes);
  Shared &shared = *reinterpret_cast<Shared *>(bytes);
  i32 first_key = chunk.x * KEYS, count = chunk.z;
  list += chunk.y;
  i32 entry = count > 0 ? list[0] : 0;

  auto copy_rows = [&](i32 entry, int stage) {
    RowTile &to = shared.tiles[stage];
    copy_lines<ROWS>(listed_tile(entry) * ROWS, rows, Copy{to.q, in.q}, Copy{to.dout, in.dout});
  };
  copy_lines<KEYS>(first_key, keys, Copy{shared.k, in.k}, Copy{shared.v, in.v});
  if (count > 0) copy_rows(entry, 0);
  copy_async_commit();

  // What is known of the rows of a tile goes by way of registers, one row a thread, while the tile before is worked on.
  i32 own_index = -1, own_position = 0;
  float own_lse = 0, own_delta = 0;
  auto fetch_row_facts = [&](i32 entry) {
    i32 row = listed_tile(entry) * ROWS + static_cast<i32>(threadIdx.x);
    bool there = threadIdx.x < ROWS && row < rows.count;
    i32 place = rows.place(there ? row : 0);
    i32 query = rows.query(there ? row : 0);
    own_lse = there ? in.lse[place] : minus_infinity();
    own_delta = there ? in.delta[place] : 0.f;
    own_index = there ? in.index[query] : -1;
    own_position = there ? in.query_position[query] : 0;
  };
  auto keep_row_facts = [&](int turn) {
    if (threadIdx.x >= ROWS) return;
    shared.lse[turn][threadIdx.x] = own_lse == minus_infinity() ? -minus_infinity() : own_lse * LOG2_E;
    shared.delta[turn][threadIdx.x] = own_delta;
    shared.index[turn][threadIdx.x] = own_index;
    shared.position[turn][threadIdx.x] = own_position;
  };
  if (count > 0) fetch_row_facts(entry), keep_row_facts(0);

  int first_line = warp_number() * 16, unit_of_keys = first_line / 32;
  Keyed own;
  for (int half = 0; half < 2; half++) {
    own.key[half] = first_key + first_line + line_of(0, half);
    bool there = own.key[half] < keys.count;
    own.expiry[half] = there ? in.expiry[own.key[half]] : 0;
    own.position[half] = there ? in.key_position[own.key[half]] : 0;
  }
  float sum_k[1][COLUMNS][4] = {}, sum_v[1][COLUMNS][4] = {};
  for (i32 i = 0; i < count; i++) {
    int turn = i % 2, stage = STAGES == 2 ? turn : 0;
    i32 next = list[min(i + 1, count - 1)];
    copy_async_wait<0>();
    __syncthreads();
    if (STAGES == 2 && i + 1 < count) copy_rows(next, turn ^ 1);
    copy_async_commit();
    fetch_row_facts(next);

    const RowTile &tile = shared.tiles[stage];
    float s[1][N][4], dp[1][N][4];
    bool seen = is_seen(entry, unit_of_keys);
    if (seen) multiply(s, shared.k + first_line * PITCH + left_offset(), tile.q + right_offset());
    keep_row_facts(turn ^ 1);
    if (seen) {
      if (WITH_DK) multiply(dp, shared.v + first_line * PITCH + left_offset(), tile.dout + right_offset());
#pragma unroll
      for (int k = 0; k < ROWS / 16; k++) {
        if (is_fully_seen(entry, unit_of_keys))
          differentiate<false, WITH_DK>(s, dp, shared, turn, k, own, q_factor, reach, cap);
        else
          differentiate<true, WITH_DK>(s, dp, shared, turn, k, own, q_factor, reach, cap);
        u32 left[1][4];
        if (WITH_DV) {
          as_left(left, s, k);
          multiply_add(sum_v, left, tile.dout + k * 16 * PITCH + left_offset());
        }
        if (WITH_DK) {
          as_left(left, dp, k);
          multiply_add(sum_k, left, tile.q + k * 16 * PITCH + left_offset());
        }
      }
    }
    if (STAGES == 1) {
      __syncthreads();
      if (i + 1 < count) copy_rows(next, 0);
      copy_async_commit();
    }
    entry = next;
  }
  copy_async_wait<0>();
  // Keys that nobody waited for in the loop have come before their lines take the results.
  if (count == 0) __syncthreads();

  if (chunk.w >= 0) {
    float *share = shares + (static_cast<i64>(chunk.w) * keys.kv_heads + keys.kv_head) * (2 * KEYS * HEAD_DIM);
    if (WITH_DK) put_share(share + first_line * HEAD_DIM, sum_k);
    if (WITH_DV) put_share(share + (KEYS + first_line) * HEAD_DIM, sum_v);
    return;
  }
  float scales[1][2] = {{scale, scale}}, ones[1][2] = {{1.f, 1.f}};
  bf16 *stage = shared.k + first_line * PITCH;
  if (WITH_DK) put(dk, sum_k, scales, stage, first_key + first_line, keys);
  if (WITH_DV) put(dv, sum_v, ones, stage, first_key + first_line, keys);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    attention_keys(bf16 *dk, bf16 *dv, float *shares, const bf16 *dout, const float *lse, const float *delta,
                   const bf16 *q, const bf16 *k, const bf16 *v, const i32 *index, const i32 *expiry,
                   const i32 *query_position, const i32 *key_position, const i32 *totals, const int4 *chunks,
                   const i32 *lists, i32 row_tiles, i32 row_count, i32 key_count, i32 heads, i32 kv_heads,
                   u32 reciprocal, float scale, float q_factor, i32 reach, float cap) {
  i32 kv_head = blockIdx.x % kv_heads, number = blockIdx.x / kv_heads;
  if (number >= totals[0]) return;
  int4 chunk = chunks[number];
  Rows rows = {row_count, heads, heads / kv_heads, kv_head, reciprocal};
  Keys keys = {key_count, kv_heads, kv_head};
  Inputs in = {dout, lse, delta, q, k, v, index, expiry, query_position, key_position};
  const i32 *list = lists + static_cast<i64>(chunk.x) * row_tiles;
  if constexpr (TOGETHER) {
    add_up<true, true>(dk, dv, shares, in, chunk, list, rows, keys, scale, q_factor, reach, cap);
  } else if (blockIdx.y == 0) {
    add_up<false, true>(dk, dv, shares, in, chunk, list, rows, keys, scale, q_factor, reach, cap);
  } else {
    add_up<true, false>(dk, dv, shares, in, chunk, list, rows, keys, scale, q_factor, reach, cap);
  }
}
