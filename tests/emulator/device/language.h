// The words that CUDA adds to C++, and its built-in types. `__global__` and `__launch_bounds__` are not here: they stay
// in the preprocessed source, where the emulated NVRTC looks for kernels.
#pragma once
#include "runtime.h"

#define __device__
#define __host__
#define __constant__ static const
// Threads of a block run in one process after another: what they share is what a library has once.
#define __shared__ static
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __grid_constant__

#define threadIdx fettle_indices.thread
#define blockIdx fettle_indices.block
#define blockDim fettle_indices.blockSize
#define gridDim fettle_indices.gridSize
constexpr int warpSize = 32;

typedef decltype(sizeof(0)) size_t;

#define FETTLE_VECTORS(scalar, name)                                                                                   \
  struct __align__(2 * sizeof(scalar)) name##2 { scalar x, y; };                                                       \
  struct __align__(4 * sizeof(scalar) < 16 ? 4 * sizeof(scalar) : 16) name##4 { scalar x, y, z, w; };                  \
  inline name##2 make_##name##2(scalar x, scalar y) { return {x, y}; }                                                 \
  inline name##4 make_##name##4(scalar x, scalar y, scalar z, scalar w) { return {x, y, z, w}; }
FETTLE_VECTORS(float, float)
FETTLE_VECTORS(double, double)
FETTLE_VECTORS(int, int)
FETTLE_VECTORS(unsigned, uint)
FETTLE_VECTORS(short, short)
FETTLE_VECTORS(unsigned short, ushort)
FETTLE_VECTORS(signed char, char)
FETTLE_VECTORS(unsigned char, uchar)
FETTLE_VECTORS(long long, longlong)
FETTLE_VECTORS(unsigned long long, ulonglong)
#undef FETTLE_VECTORS

struct int3 {
  int x, y, z;
};
struct float3 {
  float x, y, z;
};
inline int3 make_int3(int x, int y, int z) { return {x, y, z}; }
inline uint3 make_uint3(unsigned x, unsigned y, unsigned z) { return {x, y, z}; }
inline float3 make_float3(float x, float y, float z) { return {x, y, z}; }

template <class T> inline T __ldg(const T *at) { return *at; }
template <class T> inline T __ldcs(const T *at) { return *at; }
template <class T> inline T __ldcg(const T *at) { return *at; }
template <class T> inline void __stcs(T *at, T value) { *at = value; }
template <class T> inline void __stcg(T *at, T value) { *at = value; }

extern "C" int printf(const char *format, ...);
extern "C" void *memcpy(void *to, const void *from, size_t bytes);
extern "C" void *memset(void *to, int value, size_t bytes);
