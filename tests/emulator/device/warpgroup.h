// In place of the PTX of src/engine/device/cuda/hopper.cuh: products by warpgroups.
#pragma once
#include "cooperation.h"

inline unsigned shared_address(const void *at) { return fettle_shared_address(at); }
inline void fence_for_products() { fettle_fence_for_products(); }

inline void wgmma_fence() {
  int unused = 0;
  fettle_warp_collective("wgmma_fence", 0xffffffffu, &unused, fettle_wgmma_fence);
}
inline void wgmma_commit() {
  int unused = 0;
  fettle_warp_collective("wgmma_commit", 0xffffffffu, &unused, fettle_wgmma_commit);
}
template <int pending> inline void wgmma_wait() {
  int count = pending;
  fettle_warp_collective("wgmma_wait", 0xffffffffu, &count, fettle_wgmma_wait);
}
template <int N> inline void settle(float (&)[N][4]) {}

template <bool BY_INNER, int N>
inline void wgmma(float (&d)[N][4], const unsigned (&a)[4], unsigned long long b, bool add) {
  FettleWgmma own = {d[0], a, 0, b, 8 * N, BY_INNER, add};
  fettle_warp_collective("wgmma", 0xffffffffu, &own, fettle_wgmma);
}
template <bool BY_INNER, int N>
inline void wgmma(float (&d)[N][4], unsigned long long a, unsigned long long b, bool add) {
  FettleWgmma own = {d[0], nullptr, a, b, 8 * N, BY_INNER, add};
  fettle_warp_collective("wgmma", 0xffffffffu, &own, fettle_wgmma);
}
