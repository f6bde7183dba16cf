// Which tiles of keys each tile of rows sees, and the other way round: lists that the attention kernels follow, so that
// a pack of hundreds of segments costs what its segments cost. All is decided by extremes over units of 32 rows and of
// 32 keys. An entry is 256 · tile, plus for unit u of the tile that has the list 2^u where some of it see or are seen by
// some of the listed tile, and 2^(4 + u) where all of it see or are seen by all: warps skip what is not theirs, and
// masks where there is nothing to mask.
#include "fettle.cuh"

constexpr int UNIT = WARP;
constexpr i32 SMALLEST = -0x7fffffff - 1, LARGEST = 0x7fffffff;

// Of rows: their index and position; of keys: their expiry and position.
struct Extremes {
  i32 least, most, least_position, most_position;
};

__device__ __forceinline__ Extremes merged(const int4 *units, i32 count, i32 first, i32 each) {
  Extremes e = {LARGEST, SMALLEST, LARGEST, SMALLEST};
  for (i32 i = first; i < min(first + each, count); i++) {
    int4 unit = units[i];
    e.least = min(e.least, unit.x), e.most = max(e.most, unit.y);
    e.least_position = min(e.least_position, unit.z), e.most_position = max(e.most_position, unit.w);
  }
  return e;
}

// One warp a unit: first those of the rows, then those of the keys. Keys past the last one have expired.
extern "C" __global__ void attention_extremes(int4 *row_units, int4 *key_units, const i32 *index, const i32 *expiry,
                                              const i32 *query_position, const i32 *key_position, i32 rows, i32 keys,
                                              i32 group, i32 row_unit_count, i32 key_unit_count) {
  i32 unit = (blockIdx.x * blockDim.x + threadIdx.x) / WARP, lane = threadIdx.x % WARP;
  if (unit >= row_unit_count + key_unit_count) return;
  bool of_rows = unit < row_unit_count;
  i32 at = (of_rows ? unit : unit - row_unit_count) * UNIT + lane;
  Extremes e = {of_rows ? LARGEST : 0, SMALLEST, LARGEST, SMALLEST};
  if (at < (of_rows ? rows : keys)) {
    i32 item = of_rows ? at / group : at;
    e.least = e.most = (of_rows ? index : expiry)[item];
    e.least_position = e.most_position = (of_rows ? query_position : key_position)[item];
  }
  e.least = __reduce_min_sync(ALL_LANES, e.least), e.most = __reduce_max_sync(ALL_LANES, e.most);
  e.least_position = __reduce_min_sync(ALL_LANES, e.least_position);
  e.most_position = __reduce_max_sync(ALL_LANES, e.most_position);
  int4 *to = of_rows ? row_units + unit : key_units + (unit - row_unit_count);
  if (lane == 0) *to = make_int4(e.least, e.most, e.least_position, e.most_position);
}

constexpr int LIST_THREADS = 256, LIST_WARPS = LIST_THREADS / WARP, MOST_UNITS = 4;

// What rows see of keys first .. last, as an entry's bits for unit 0. `reach`: the window, or more than any distance.
__device__ __forceinline__ i32 sight(const Extremes &row, const Extremes &key, i32 first, i32 last, i32 reach) {
  bool some = (first <= row.most) & (key.most > row.least) & (row.least_position - key.most_position < reach);
  bool all = (last <= row.least) & (key.least > row.most) & (row.most_position - key.least_position < reach);
  return some ? 1 | all << 4 : 0;
}

// One block a tile: tiles of rows, which list keys, then tiles of keys, which list rows. The two kinds of lists cut rows
// and keys in tiles of their own: `row_list_rows` units of rows a tile, and so on. Lists lie `others` entries apart.
extern "C" __global__ void __launch_bounds__(LIST_THREADS)
    attention_lists(i32 *row_counts, i32 *row_lists, i32 *key_counts, i32 *key_lists, const int4 *row_units,
                    const int4 *key_units, i32 row_unit_count, i32 key_unit_count, i32 row_list_rows, i32 row_list_keys,
                    i32 key_list_rows, i32 key_list_keys, i32 reach) {
  __shared__ i32 found[2][LIST_WARPS];
  i32 row_tiles = (row_unit_count + row_list_rows - 1) / row_list_rows;
  bool by_row = blockIdx.x < row_tiles;
  i32 tile = by_row ? blockIdx.x : blockIdx.x - row_tiles;
  const int4 *own_units = by_row ? row_units : key_units, *other_units = by_row ? key_units : row_units;
  i32 own_unit_count = by_row ? row_unit_count : key_unit_count;
  i32 other_unit_count = by_row ? key_unit_count : row_unit_count;
  i32 own_each = by_row ? row_list_rows : key_list_keys, other_each = by_row ? row_list_keys : key_list_rows;
  i32 others = (other_unit_count + other_each - 1) / other_each;
  i32 *list = (by_row ? row_lists : key_lists) + static_cast<i64>(tile) * others;
  Extremes own[MOST_UNITS];
#pragma unroll
  for (int u = 0; u < MOST_UNITS; u++) own[u] = merged(own_units, own_unit_count, tile * own_each + u, u < own_each);
  i32 lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, count = 0, turn = 0;
  for (i32 base = 0; base < others; base += LIST_THREADS, turn ^= 1) {
    i32 other = base + static_cast<i32>(threadIdx.x), seen = 0;
    if (other < others) {
      Extremes met = merged(other_units, other_unit_count, other * other_each, other_each);
#pragma unroll
      for (int u = 0; u < MOST_UNITS; u++) {
        i32 first = (by_row ? other * other_each : tile * own_each + u) * UNIT;
        i32 last = first + (by_row ? other_each : 1) * UNIT - 1;
        seen |= sight(by_row ? own[u] : met, by_row ? met : own[u], first, last, reach) << u;
      }
    }
    u32 votes = __ballot_sync(ALL_LANES, seen != 0);
    if (lane == 0) found[turn][warp] = __popc(votes);
    __syncthreads();
    i32 before = 0, all = 0;
    for (int i = 0; i < LIST_WARPS; i++) {
      before += i < warp ? found[turn][i] : 0;
      all += found[turn][i];
    }
    if (seen != 0) list[count + before + __popc(votes & ((1u << lane) - 1))] = other << 8 | seen;
    count += all;
  }
  if (threadIdx.x == 0) (by_row ? row_counts : key_counts)[tile] = count;
}

// ---- the work of the gradients of keys ----------------------------------------------------------------------------------

constexpr int PLAN_THREADS = 1024, RANKS = 64, RANKS_A_WARP = RANKS / (PLAN_THREADS / WARP);

// A tile of keys whose list has twice `most` entries or more is done in chunks of at least `most` entries. How many.
__device__ __forceinline__ i32 chunks_of(i32 entries, i32 most) {
  return entries >= 2 * most ? entries / most : 1;
}

// Chunks of split tiles come first, then the other tiles, long lists before short ones.
__device__ __forceinline__ i32 rank_of(i32 entries, i32 most) {
  return entries >= 2 * most ? 0 : RANKS - 1 - entries * (RANKS / 2 - 1) / most;
}

__device__ __forceinline__ i32 sum_up_to_lane(i32 x) {
  i32 lane = threadIdx.x % WARP;
  for (int distance = 1; distance < WARP; distance *= 2) {
    i32 below = __shfl_up_sync(ALL_LANES, x, distance);
    if (lane >= distance) x += below;
  }
  return x;
}

// Cuts the lists of the tiles of keys into chunks of similar length, no more than tiles + limit of them, in the order in
// which they should begin. Chunk: tile, first entry, entries, slot for its share of the sum (-1: it is the whole).
// Split: tile, first slot, slots. totals: chunks, splits. One block; which sums are split depends on the lists alone.
extern "C" __global__ void __launch_bounds__(PLAN_THREADS)
    attention_plan(i32 *totals, int4 *chunks, int4 *splits, const i32 *counts, i32 tiles, i32 limit, i32 shortest) {
  __shared__ i64 partial[PLAN_THREADS / WARP];
  __shared__ i32 ranked[RANKS];
  i32 lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
  i64 work = 0;
  for (i32 tile = threadIdx.x; tile < tiles; tile += PLAN_THREADS) work += counts[tile];
  for (int distance = WARP / 2; distance > 0; distance /= 2) work += __shfl_xor_sync(ALL_LANES, work, distance);
  if (lane == 0) partial[warp] = work;
  __syncthreads();
  work = 0;
  for (int i = 0; i < PLAN_THREADS / WARP; i++) work += partial[i];
  // Without a slot to share sums in (limit 0) no list has twice the shortest chunk.
  i32 most = max(shortest, limit == 0 ? 0 : static_cast<i32>((work + limit - 1) / limit));

  for (int r = 0; r < RANKS_A_WARP; r++) {
    i32 rank = warp * RANKS_A_WARP + r, sum = 0;
    for (i32 tile = lane; tile < tiles; tile += WARP)
      if (rank_of(counts[tile], most) == rank) sum += chunks_of(counts[tile], most);
    sum = __reduce_add_sync(ALL_LANES, sum);
    if (lane == 0) ranked[rank] = sum;
  }
  __syncthreads();
  for (int r = 0; r < RANKS_A_WARP; r++) {
    i32 rank = warp * RANKS_A_WARP + r, place = 0, split = 0;
    for (int i = 0; i < rank; i++) place += ranked[i];
    for (i32 base = 0; base < tiles; base += WARP) {
      i32 tile = base + lane, entries = tile < tiles ? counts[tile] : 0;
      bool mine = tile < tiles && rank_of(entries, most) == rank;
      i32 parts = mine ? chunks_of(entries, most) : 0, end = sum_up_to_lane(parts), at = place + end - parts;
      u32 votes = __ballot_sync(ALL_LANES, mine && rank == 0);
      if (mine && rank == 0)
        splits[split + __popc(votes & ((1u << lane) - 1))] = make_int4(tile, at, parts, 0);
      for (i32 part = 0; part < parts; part++) {
        i32 first = static_cast<i32>(static_cast<i64>(entries) * part / parts);
        i32 last = static_cast<i32>(static_cast<i64>(entries) * (part + 1) / parts);
        chunks[at + part] = make_int4(tile, first, last - first, rank == 0 ? at + part : -1);
      }
      place += __shfl_sync(ALL_LANES, end, WARP - 1);
      split += __popc(votes);
    }
    if (rank == 0 && lane == 0) totals[1] = split;
    if (rank == RANKS - 1 && lane == 0) totals[0] = place;
  }
}
