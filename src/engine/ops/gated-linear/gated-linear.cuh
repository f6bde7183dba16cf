// What the passes of gated-linear share: how a warp's part of gate and up, 32 columns, lies over its lanes.
//
// A lane has 16 bytes, columns 8 · (lane % 4) and on, of rows lane / 4 and lane / 4 + 8 of sixteen. To tensor cores the
// columns are four tiles of eight: position p of tile j is column 8 · (p / 2) + 2 · j + p % 2. What a lane then has of a
// product's fragments is what it has of gate and up, and needs no exchange.
//
// Macros: ACTIVATION; GATE_RANK and UP_RANK, multiples of 8, 0 where a member has no adapter.
#pragma once
#include "activation.cuh"

constexpr int RANK = GATE_RANK + UP_RANK;

// Steps of tensor cores over a rank; the last may be half empty.
constexpr int parts_of(int rank) { return (rank + 15) / 16; }

__device__ __forceinline__ int lane_number() { return threadIdx.x % WARP; }

// Which of a warp's 32 columns is position `position % 8` of tile `position / 8`.
__device__ __forceinline__ int column_at(int position) {
  return position % 8 / 2 * 8 + position / 8 * 2 + position % 2;
}

// A lane's element i of its eight in one of its two rows, with what the adapter adds.
template <int OWN_RANK>
__device__ __forceinline__ float adapted(float raw, const float (&product)[4][4], int half, int i, float scale) {
  return OWN_RANK == 0 ? raw : fmaf(scale, product[i / 2][2 * half + i % 2], raw);
}
