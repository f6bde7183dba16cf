// dq and delta, a tile of rows of one key-value head a block: scores and the gradients of weights are computed again
// for one tile of keys after the other.
//
// Macros: HEAD_DIM, WARPS, PARTS (16-row parts of the tile a warp has), KEYS (of a tile), STAGES (tiles of keys in
// shared memory: 2 lets the next arrive in time), SOFTCAP (0 or 1).
#include "attention.cuh"

constexpr int ROWS = WARPS * PARTS * 16, N = KEYS / 8;

struct KeyTile {
  bf16 k[KEYS * PITCH], v[KEYS * PITCH];
};

struct Shared {
  bf16 q[ROWS * PITCH], dout[ROWS * PITCH];
  KeyTile tiles[STAGES];
  i32 index[ROWS], position[ROWS];
  float lse[ROWS], delta[ROWS]; // lse in base 2, infinite for rows that see nothing
  i32 expiry[2][KEYS], key_position[2][KEYS];
};

// delta = dout·out of the warp's own rows, four lanes a row.
__device__ __forceinline__ void find_delta(Shared &shared, float *delta, const bf16 *out, i32 tile, const Rows &rows) {
  int lane = threadIdx.x % WARP, first = warp_number() * PARTS * 16;
  for (int line = first + lane / 4; line < first + PARTS * 16; line += WARP / 4) {
    i32 row = tile * ROWS + line;
    i32 place = rows.place(min(row, rows.count - 1));
    float sum = 0;
    for (int chunk = lane % 4; chunk < CHUNKS; chunk += 4) {
      float a[8], b[8];
      load8(shared.dout + line * PITCH + chunk * 8, a);
      load8(out + static_cast<i64>(place) * HEAD_DIM + chunk * 8, b);
      for (int i = 0; i < 8; i++) sum = fmaf(a[i], b[i], sum);
    }
    sum += __shfl_xor_sync(ALL_LANES, sum, 1);
    sum += __shfl_xor_sync(ALL_LANES, sum, 2);
    if (lane % 4 == 0) {
      shared.delta[line] = sum;
      if (row < rows.count) delta[place] = sum;
    }
  }
  __syncwarp();
}

// Gradients of weights become those of scores, over scale; `s` holds products q·k.
template <bool IN_PART>
__device__ __forceinline__ void differentiate(float (&dp)[PARTS][N][4], const float (&s)[PARTS][N][4],
                                              const Shared &shared, int first_line, int turn, i32 first_key,
                                              float q_factor, i32 reach, float cap) {
#pragma unroll
  for (int m = 0; m < PARTS; m++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      int line = first_line + line_of(m, half);
      float lse = shared.lse[line], delta = shared.delta[line];
      i32 index = IN_PART ? shared.index[line] : 0, position = IN_PART ? shared.position[line] : 0;
#pragma unroll
      for (int n = 0; n < N; n++)
#pragma unroll
        for (int e = 0; e < 2; e++) {
          float &d = dp[m][n][2 * half + e];
          float squeezed = SOFTCAP ? fast_tanh(s[m][n][2 * half + e] * q_factor) : s[m][n][2 * half + e];
          float weight = fast_exp2(fmaf(squeezed, SOFTCAP ? cap : q_factor, -lse));
          if (IN_PART) {
            i32 column = column_of(n) + e, expiry = shared.expiry[turn][column];
            i32 key_position = shared.key_position[turn][column];
            weight = sees(index, position, first_key + column, expiry, key_position, reach) ? weight : 0.f;
          }
          d = weight * (d - delta) * (SOFTCAP ? 1.f - squeezed * squeezed : 1.f);
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS)
    attention_queries(bf16 *dq, float *delta, const bf16 *dout, const bf16 *out, const float *lse, const bf16 *q,
                      const bf16 *k, const bf16 *v, const i32 *index, const i32 *expiry, const i32 *query_position,
                      const i32 *key_position, const i32 *counts, const i32 *lists, i32 row_tiles, i32 key_tiles,
                      i32 row_count, i32 keys, i32 heads, i32 kv_heads, u32 reciprocal, float scale, float q_factor,
                      i32 reach, float cap) {
  FETTLE_SHARED(bytes);
  Shared &shared = *reinterpret_cast<Shared *>(bytes);
  // Later tiles see more keys: they begin first.
  i32 kv_head = blockIdx.x % kv_heads, tile = row_tiles - 1 - static_cast<i32>(blockIdx.x) / kv_heads;
  Rows rows = {row_count, heads, heads / kv_heads, kv_head, reciprocal};
  Keys key_lines = {keys, kv_heads, kv_head};
  const i32 *list = lists + static_cast<i64>(tile) * key_tiles;
  i32 count = counts[tile], entry = count > 0 ? list[0] : 0;

  auto copy_keys = [&](i32 entry, int stage) {
    KeyTile &to = shared.tiles[stage];
    copy_lines<KEYS>(listed_tile(entry) * KEYS, key_lines, Copy{to.k, k}, Copy{to.v, v});
  };
  copy_lines<ROWS>(tile * ROWS, rows, Copy{shared.q, q}, Copy{shared.dout, dout});
  if (count > 0) copy_keys(entry, 0);
  copy_async_commit();
  for (int line = threadIdx.x; line < ROWS; line += THREADS) {
    i32 row = tile * ROWS + line;
    bool there = row < row_count;
    i32 query = rows.query(there ? row : 0);
    float natural = there ? lse[rows.place(row)] : minus_infinity();
    shared.index[line] = there ? index[query] : -1;
    shared.position[line] = query_position[query];
    shared.lse[line] = natural == minus_infinity() ? -minus_infinity() : natural * LOG2_E;
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
  if (count > 0) fetch_key_facts(entry), keep_key_facts(0);
  copy_async_wait<0>();
  __syncthreads();
  find_delta(shared, delta, out, tile, rows);

  int first_line = warp_number() * PARTS * 16, unit_of_rows = first_line / 32;
  float sum[PARTS][COLUMNS][4] = {};
  for (i32 i = 0; i < count; i++) {
    int turn = i % 2, stage = STAGES == 2 ? turn : 0;
    i32 first_key = listed_tile(entry) * KEYS, next = list[min(i + 1, count - 1)];
    copy_async_wait<0>();
    __syncthreads();
    if (STAGES == 2 && i + 1 < count) copy_keys(next, turn ^ 1);
    copy_async_commit();
    fetch_key_facts(next);

    const KeyTile &keys_here = shared.tiles[stage];
    float s[PARTS][N][4], dp[PARTS][N][4];
    bool seen = is_seen(entry, unit_of_rows);
    if (seen) multiply(s, shared.q + first_line * PITCH + left_offset(), keys_here.k + right_offset());
    keep_key_facts(turn ^ 1);
    if (seen) {
      multiply(dp, shared.dout + first_line * PITCH + left_offset(), keys_here.v + right_offset());
      if (is_fully_seen(entry, unit_of_rows))
        differentiate<false>(dp, s, shared, first_line, turn, first_key, q_factor, reach, cap);
      else
        differentiate<true>(dp, s, shared, first_line, turn, first_key, q_factor, reach, cap);
#pragma unroll
      for (int k = 0; k < KEYS / 16; k++) {
        u32 ds[PARTS][4];
        as_left(ds, dp, k);
        multiply_add(sum, ds, keys_here.k + k * 16 * PITCH + left_offset());
      }
    }
    if (STAGES == 1) {
      __syncthreads();
      if (i + 1 < count) copy_keys(next, 0);
      copy_async_commit();
    }
    entry = next;
  }
  copy_async_wait<0>();

  float factors[PARTS][2];
#pragma unroll
  for (int m = 0; m < PARTS; m++) factors[m][0] = factors[m][1] = scale;
  put(dq, sum, factors, shared.q + first_line * PITCH, tile * ROWS + first_line, rows);
}
