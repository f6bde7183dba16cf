// What the attention kernels of warpgroups share: swizzled tiles in shared memory (see hopper.cuh) and the two products.
//
// Macros: HEAD_DIM, 64 or 128; WARPGROUPS a block.
#pragma once
#include "attention-rows.cuh"
#include "hopper.cuh"

constexpr int THREADS = WARPGROUPS * WARPGROUP;
constexpr int CHUNKS = HEAD_DIM / 8; // of 16 bytes in a line
constexpr int COLUMNS = HEAD_DIM / 8; // 8-wide columns of fragments over a line
static_assert(HEAD_DIM % PANEL_COLUMNS == 0, "a line is whole panels");

// The block's shared memory, from the first place on where a tile may begin.
template <class Shared>
__device__ __forceinline__ Shared &aligned_shared(u8 *bytes) {
  return *reinterpret_cast<Shared *>(bytes + (-shared_address(bytes) & (TILE_ALIGNMENT - 1)));
}

// Threads copy 16 bytes each, so many lines at once: a multiple of eight, so that a thread keeps its place in the swizzle.
constexpr int LINES_AT_ONCE = THREADS / CHUNKS;
static_assert(THREADS % CHUNKS == 0 && LINES_AT_ONCE % 8 == 0, "copies come out even");

// Begins to copy COUNT lines from `first` on into tiles, the same of each tensor; zeros past the last line. An address
// past the last line is not looked at.
template <int COUNT, class Lines, class... Copies>
__device__ __forceinline__ void copy_tiles(i32 first, const Lines &lines, const Copies &...copies) {
  i32 line = static_cast<i32>(threadIdx.x) / CHUNKS, chunk = static_cast<i32>(threadIdx.x) % CHUNKS;
  u32 to = tile_offset(COUNT, line, chunk);
#pragma unroll
  for (int i = 0; i < COUNT; i += LINES_AT_ONCE) {
    i32 at = first + i + line;
    i64 from = static_cast<i64>(lines.place(at)) * HEAD_DIM + chunk * 8;
    (copy_async16(copies.tile + to + i * PANEL_COLUMNS, copies.from + from, at < lines.count), ...);
  }
}

// The keys of one step: PIECES entries of a list, of EACH keys, which lie in shared memory as one tile. Short pieces
// leave little of a step to keys that nobody sees, long steps keep products large.
template <int PIECES, int EACH>
struct KeyStep {
  static constexpr int COUNT = PIECES;
  i32 entries[PIECES];

  // Of a list with room for `room` entries and `count` of them there; past its end, pieces of keys past the last one.
  __device__ __forceinline__ void fetch(const i32 *list, i32 room, i32 count, i32 step) {
#pragma unroll
    for (int p = 0; p < PIECES; p++) {
      i32 at = step * PIECES + p, entry = list[min(at, room - 1)];
      entries[p] = at < count ? entry : room << 8;
    }
  }
  __device__ __forceinline__ i32 first_key(int piece) const { return listed_tile(entries[piece]) * EACH; }
  // The key in a line of the tile.
  __device__ __forceinline__ i32 key(i32 line) const {
    i32 first = first_key(0);
#pragma unroll
    for (int p = 1; p < PIECES; p++) first = line >= p * EACH ? first_key(p) : first;
    return first + line % EACH;
  }
  // Whether all rows of a warpgroup see all keys.
  __device__ __forceinline__ bool all_seen(int warpgroup) const {
    i32 common = entries[0];
#pragma unroll
    for (int p = 1; p < PIECES; p++) common &= entries[p];
    return is_fully_seen(common, 2 * warpgroup) && is_fully_seen(common, 2 * warpgroup + 1);
  }
  // Begins to copy them, as copy_tiles does.
  template <class... Copies>
  __device__ __forceinline__ void copy(const Keys &keys, const Copies &...copies) const {
    static_assert(EACH % LINES_AT_ONCE == 0, "pieces come out even");
    i32 line = static_cast<i32>(threadIdx.x) / CHUNKS, chunk = static_cast<i32>(threadIdx.x) % CHUNKS;
    u32 to = tile_offset(PIECES * EACH, line, chunk);
    i32 own = keys.place(line) * HEAD_DIM + chunk * 8, distance = keys.distance() * HEAD_DIM;
#pragma unroll
    for (int p = 0; p < PIECES; p++) {
      i64 from = static_cast<i64>(first_key(p)) * distance + own;
      i32 left = keys.count - first_key(p) - line;
#pragma unroll
      for (int i = 0; i < EACH; i += LINES_AT_ONCE, from += LINES_AT_ONCE * distance)
        (copy_async16(copies.tile + to + (p * EACH + i) * PANEL_COLUMNS, copies.from + from, i < left), ...);
    }
  }
};

// Begins product[64 lines of left][8 · N lines of right] = left · rightᵀ, as a group. `left` and `right` are in tiles of
// LEFT and RIGHT lines.
template <int LEFT, int RIGHT, int N>
__device__ __forceinline__ void multiply(float (&product)[N][4], u64 left, u64 right) {
  wgmma_fence();
#pragma unroll
  for (int k = 0; k < HEAD_DIM / 16; k++) {
    // 16 columns are 32 bytes of a panel's lines.
    int panel = k / 4, within = k % 4 * 2;
    wgmma<false>(product, left + (panel * LEFT * 8 + within), right + (panel * RIGHT * 8 + within), k > 0);
  }
  wgmma_commit();
}

// Begins sum[64][HEAD_DIM] += left [64][16 · K] · right [16 · K lines of a tile], as a group. Until it is done, `left`
// must stay as it is.
template <int K>
__device__ __forceinline__ void multiply_add(float (&sum)[COLUMNS][4], const u32 (&left)[K][4], u64 right) {
  wgmma_fence();
#pragma unroll
  for (int k = 0; k < K; k++) wgmma<true>(sum, left[k], right + k * 16 * 8, true);
  wgmma_commit();
}

// A product as left factor of the next.
template <int K>
__device__ __forceinline__ void as_left(u32 (&left)[K][4], const float (&product)[2 * K][4]) {
#pragma unroll
  for (int k = 0; k < K; k++)
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const float *pair = product[2 * k + i / 2] + i % 2 * 2;
      left[k][i] = pack_bf16(pair[0], pair[1]);
    }
}

// to[first ..] = factors · sum, a warp's 16 lines.
template <class Lines>
__device__ __forceinline__ void put(bf16 *to, const float (&sum)[COLUMNS][4], const float (&factors)[2], i32 first,
                                    const Lines &lines) {
  int lane = threadIdx.x % 4;
  bool low = lane < 2, even = lane % 2 == 0;
#pragma unroll
  for (int half = 0; half < 2; half++) {
    i32 at = first + line_of(0, half);
    bf16 *line = to + static_cast<i64>(lines.place(at)) * HEAD_DIM + lane * 8;
#pragma unroll
    for (int n = 0; n < COLUMNS; n += 4) {
      // Four lanes have two columns of each of four chunks; each gets all columns of one.
      u32 x[4];
#pragma unroll
      for (int i = 0; i < 4; i++)
        x[i] = pack_bf16(sum[n + i][2 * half] * factors[half], sum[n + i][2 * half + 1] * factors[half]);
      u32 first_given = __shfl_xor_sync(ALL_LANES, low ? x[2] : x[0], 2);
      u32 second_given = __shfl_xor_sync(ALL_LANES, low ? x[3] : x[1], 2);
      x[0] = low ? x[0] : first_given, x[1] = low ? x[1] : second_given;
      x[2] = low ? first_given : x[2], x[3] = low ? second_given : x[3];
      first_given = __shfl_xor_sync(ALL_LANES, even ? x[1] : x[0], 1);
      second_given = __shfl_xor_sync(ALL_LANES, even ? x[3] : x[2], 1);
      x[0] = even ? x[0] : first_given, x[1] = even ? first_given : x[1];
      x[2] = even ? x[2] : second_given, x[3] = even ? second_given : x[3];
      if (at < lines.count) *reinterpret_cast<uint4 *>(line + n * 8) = make_uint4(x[0], x[1], x[2], x[3]);
    }
  }
}
