// What threads of a warp and of a block do together, and what src/engine/device/cuda/fettle.cuh leaves to the emulator.
#pragma once
#include "language.h"

#define FETTLE_EMULATOR 1

// ---- the block -----------------------------------------------------------------------------------------------------

inline int fettle_vote_of_block(unsigned value, int which) {
  FettleVote vote = {value, 0};
  fettle_sync_threads(&vote);
  unsigned there = vote.result >> 16, yes = vote.result & 0xffff;
  return which == 0 ? static_cast<int>(yes) : which == 1 ? yes > 0 : yes == there;
}
inline void __syncthreads() { fettle_sync_threads(nullptr); }
inline int __syncthreads_count(int predicate) { return fettle_vote_of_block(predicate != 0, 0); }
inline int __syncthreads_or(int predicate) { return fettle_vote_of_block(predicate != 0, 1); }
inline int __syncthreads_and(int predicate) { return fettle_vote_of_block(predicate != 0, 2); }
inline void __threadfence() {}
inline void __threadfence_block() {}

// One thread runs at a time. None for floats: sums in the order of arrival are not the same bits every run.
#define FETTLE_ATOMIC(name, type, expression)                                                                          \
  inline type name(type *at, type value) {                                                                             \
    type old = *at;                                                                                                    \
    *at = expression;                                                                                                  \
    return old;                                                                                                        \
  }
#define FETTLE_ATOMICS(type)                                                                                           \
  FETTLE_ATOMIC(atomicAdd, type, old + value)                                                                          \
  FETTLE_ATOMIC(atomicMin, type, value < old ? value : old)                                                            \
  FETTLE_ATOMIC(atomicMax, type, old < value ? value : old)                                                            \
  FETTLE_ATOMIC(atomicAnd, type, old &value)                                                                           \
  FETTLE_ATOMIC(atomicOr, type, old | value)                                                                           \
  FETTLE_ATOMIC(atomicExch, type, value)                                                                               \
  inline type atomicCAS(type *at, type expected, type value) {                                                         \
    type old = *at;                                                                                                    \
    if (old == expected) *at = value;                                                                                  \
    return old;                                                                                                        \
  }
FETTLE_ATOMICS(int)
FETTLE_ATOMICS(unsigned)
FETTLE_ATOMICS(unsigned long long)
#undef FETTLE_ATOMICS
#undef FETTLE_ATOMIC

// ---- the warp ------------------------------------------------------------------------------------------------------

inline void __syncwarp(unsigned mask = 0xffffffffu) {
  fettle_warp_collective("__syncwarp", mask, &mask, fettle_nothing);
}

template <class T> inline T fettle_shuffle_from(const char *name, unsigned mask, T value, int source) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "a shuffle moves 4 or 8 bytes");
  FettleShuffle own = {0, 0, source};
  __builtin_memcpy(&own.value, &value, sizeof(T));
  fettle_warp_collective(name, mask, &own, fettle_shuffle);
  __builtin_memcpy(&value, &own.result, sizeof(T));
  return value;
}
template <class T> inline T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  int first = fettle_lane() & ~(width - 1);
  return fettle_shuffle_from("__shfl_sync", mask, value, first | (source & (width - 1)));
}
template <class T> inline T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width = 32) {
  int lane = fettle_lane(), first = lane & ~(width - 1), source = lane - static_cast<int>(distance);
  return fettle_shuffle_from("__shfl_up_sync", mask, value, source < first ? lane : source);
}
template <class T> inline T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width = 32) {
  int lane = fettle_lane(), last = lane | (width - 1), source = lane + static_cast<int>(distance);
  return fettle_shuffle_from("__shfl_down_sync", mask, value, source > last ? lane : source);
}
template <class T> inline T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32) {
  int lane = fettle_lane(), last = lane | (width - 1), source = lane ^ bits;
  return fettle_shuffle_from("__shfl_xor_sync", mask, value, source > last ? lane : source);
}

inline unsigned fettle_vote_of_warp(const char *name, unsigned mask, unsigned value, FettleCombine combine) {
  FettleVote own = {value, 0};
  fettle_warp_collective(name, mask, &own, combine);
  return own.result;
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
  return fettle_vote_of_warp("__ballot_sync", mask, predicate != 0, fettle_ballot);
}
inline int __any_sync(unsigned mask, int predicate) {
  return fettle_vote_of_warp("__any_sync", mask, predicate != 0, fettle_ballot) != 0;
}
inline int __all_sync(unsigned mask, int predicate) {
  return fettle_vote_of_warp("__all_sync", mask, predicate == 0, fettle_ballot) == 0;
}
inline unsigned __reduce_add_sync(unsigned mask, unsigned value) {
  return fettle_vote_of_warp("__reduce_add_sync", mask, value, fettle_reduce_add);
}
inline int __reduce_add_sync(unsigned mask, int value) {
  return static_cast<int>(__reduce_add_sync(mask, static_cast<unsigned>(value)));
}
inline unsigned __reduce_min_sync(unsigned mask, unsigned value) {
  return fettle_vote_of_warp("__reduce_min_sync", mask, value, fettle_reduce_min_unsigned);
}
inline int __reduce_min_sync(unsigned mask, int value) {
  return static_cast<int>(
      fettle_vote_of_warp("__reduce_min_sync", mask, static_cast<unsigned>(value), fettle_reduce_min_signed));
}
inline unsigned __reduce_max_sync(unsigned mask, unsigned value) {
  return fettle_vote_of_warp("__reduce_max_sync", mask, value, fettle_reduce_max_unsigned);
}
inline int __reduce_max_sync(unsigned mask, int value) {
  return static_cast<int>(
      fettle_vote_of_warp("__reduce_max_sync", mask, static_cast<unsigned>(value), fettle_reduce_max_signed));
}

// ---- in place of fettle.cuh's PTX ----------------------------------------------------------------------------------

#define FETTLE_SHARED(name) unsigned char *const name = fettle_dynamic_shared

extern "C" float exp2f(float) noexcept;
inline float fast_exp2(float x) { return exp2f(x); }
inline float fast_reciprocal(float x) { return 1.f / x; }

inline void mma_bf16(float *d, const unsigned *a, const unsigned *b) {
  FettleMma own = {d, a, b};
  fettle_warp_collective("mma_bf16", 0xffffffffu, &own, fettle_mma_bf16);
}
inline void ldmatrix_x4(unsigned *r, const void *row) {
  FettleLdmatrix own = {r, row};
  fettle_warp_collective("ldmatrix_x4", 0xffffffffu, &own, fettle_ldmatrix_x4);
}
inline void ldmatrix_x4_transposed(unsigned *r, const void *row) {
  FettleLdmatrix own = {r, row};
  fettle_warp_collective("ldmatrix_x4_transposed", 0xffffffffu, &own, fettle_ldmatrix_x4_transposed);
}
inline void copy_async16(void *to, const void *from, bool valid) { fettle_copy_async16(to, from, valid); }
inline void copy_async_commit() { fettle_copy_async_commit(); }
template <int pending> inline void copy_async_wait() { fettle_copy_async_wait(pending); }
