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

// The same in every lane, and known to be so.
__device__ __forceinline__ int warpgroup_number() { return warp_number() / (WARPGROUP / WARP); }

// Begins to copy COUNT lines from `first` on into tiles, the same of each tensor; zeros past the last line. An address
// past the last line is not looked at.
template <int COUNT, class Lines, class... Copies>
__device__ __forceinline__ void copy_tiles(i32 first, const Lines &lines, const Copies &...copies) {
  constexpr int AT_ONCE = THREADS / CHUNKS;
  static_assert(COUNT % AT_ONCE == 0 && AT_ONCE % 8 == 0, "all threads copy equally often, to one place of the swizzle");
  i32 line = static_cast<i32>(threadIdx.x) / CHUNKS, chunk = static_cast<i32>(threadIdx.x) % CHUNKS;
  u32 to = tile_offset(COUNT, line, chunk);
#pragma unroll
  for (int i = 0; i < COUNT / AT_ONCE; i++) {
    i32 at = first + line + i * AT_ONCE;
    i64 from = static_cast<i64>(lines.place(at)) * HEAD_DIM + chunk * 8;
    (copy_async16(copies.tile + to + i * AT_ONCE * PANEL_COLUMNS, copies.from + from, at < lines.count), ...);
  }
}

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

// to[first ..] = factors · sum, a warp's 16 lines, by way of lines stage_line .. of `stage`, a tile of STAGE lines.
template <int STAGE, class Lines>
__device__ __forceinline__ void put(bf16 *to, const float (&sum)[COLUMNS][4], const float (&factors)[2], bf16 *stage,
                                    i32 stage_line, i32 first, const Lines &lines) {
  __syncwarp();
#pragma unroll
  for (int half = 0; half < 2; half++)
#pragma unroll
    for (int n = 0; n < COLUMNS; n++) {
      u32 at = tile_offset(STAGE, stage_line + line_of(0, half), n) + column_of(0);
      u32 pair = pack_bf16(sum[n][2 * half] * factors[half], sum[n][2 * half + 1] * factors[half]);
      *reinterpret_cast<u32 *>(stage + at) = pair;
    }
  __syncwarp();
#pragma unroll
  for (u32 i = threadIdx.x % WARP; i < 16 * CHUNKS; i += WARP) {
    i32 line = static_cast<i32>(i) / CHUNKS, chunk = static_cast<i32>(i) % CHUNKS, at = first + line;
    if (at >= lines.count) break;
    const bf16 *from = stage + tile_offset(STAGE, stage_line + line, chunk);
    *reinterpret_cast<uint4 *>(to + static_cast<i64>(lines.place(at)) * HEAD_DIM + chunk * 8) =
        *reinterpret_cast<const uint4 *>(from);
  }
}
