// What all attention kernels on tensor cores share, however they multiply: where rows and keys lie, and who sees whom.
//
// A row is one query under one head. The rows of a key-value head are the queries times the heads that share it, heads
// innermost: a tile of rows then spans few queries, so that short segments and the causal diagonal leave little of a
// tile unseen, and one query alone fills a tile with its heads.
#pragma once
#include "fettle.cuh"

constexpr float LOG2_E = 1.44269504088896340736f, LN_2 = 0.69314718055994530942f;

__device__ __forceinline__ float minus_infinity() { return __uint_as_float(0xff800000u); }

// tanh to about 1e-7, from the fast exponential; ±1 where it overflows.
__device__ __forceinline__ float fast_tanh(float x) {
  return 1.f - __fdividef(2.f, 1.f + fast_exp2(2.f * LOG2_E * x));
}

// The same in every lane, and known to be so: branches on it and addresses from it cost no lane anything.
__device__ __forceinline__ int warp_number() {
  return __shfl_sync(ALL_LANES, static_cast<int>(threadIdx.x) / WARP, 0);
}

// Line of a warp's product that this lane holds in elements 2 · half and 2 · half + 1 of part m.
__device__ __forceinline__ int line_of(int m, int half) { return m * 16 + half * 8 + threadIdx.x % WARP / 4; }

// The first of the two neighbouring columns that this lane holds in part n.
__device__ __forceinline__ int column_of(int n) { return n * 8 + threadIdx.x % 4 * 2; }

// ---- where lines lie in tensors, counted in lines of HEAD_DIM ----------------------------------------------------------

// Rows of a key-value head in tensors [queries, heads].
struct Rows {
  static constexpr bool EVEN = false;
  i32 count, heads, group, kv_head;
  u32 reciprocal; // ceil(2^32 / group), 0 for a group of 1; exact while queries · group² < 2^32

  __device__ __forceinline__ i32 query(i32 row) const {
    return reciprocal == 0 ? row : static_cast<i32>(__umulhi(static_cast<u32>(row), reciprocal));
  }
  __device__ __forceinline__ i32 place(i32 row) const { return row + query(row) * (heads - group) + kv_head * group; }
};

// Keys of a key-value head in tensors [keys, kvHeads].
struct Keys {
  static constexpr bool EVEN = true; // neighbours are equally far apart
  i32 count, kv_heads, kv_head;

  __device__ __forceinline__ i32 place(i32 key) const { return key * kv_heads + kv_head; }
  __device__ __forceinline__ i32 distance() const { return kv_heads; }
};

// A tile of lines, and the tensor that it is filled from.
struct Copy {
  bf16 *tile;
  const bf16 *from;
};

// ---- entries of the lists that attention-lists.cu makes: a tile, and for each of four parts of the block's own tile
// whether any of its rows sees any key, and whether all see all ---------------------------------------------------------

__device__ __forceinline__ i32 listed_tile(i32 entry) { return entry >> 8; }
__device__ __forceinline__ bool is_seen(i32 entry, int part) { return entry >> part & 1; }
__device__ __forceinline__ bool is_fully_seen(i32 entry, int part) { return entry >> (4 + part) & 1; }

// Whether a query sees a key; `reach` is the window, or more than any distance. No branches: most lanes must look anyway.
__device__ __forceinline__ bool sees(i32 index, i32 position, i32 key, i32 expiry, i32 key_position, i32 reach) {
  return (key <= index) & (index < expiry) & (position - key_position < reach);
}
