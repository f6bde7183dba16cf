// Random bits as functions of a seed and a counter, and rounding by them.
#pragma once
#include "fettle.cuh"

// mix32 of base/random.ts.
__device__ __forceinline__ u32 mix32(u32 z) {
  z = (z ^ (z >> 16)) * 0x21f0aaadu;
  z = (z ^ (z >> 15)) * 0x735a2d97u;
  return z ^ (z >> 15);
}

// One of the two bf16 values around x, the nearer the likelier: see ops/adamw/adamw.ts. Infinities and NaN stay.
__device__ __forceinline__ float round_stochastically(float x, u32 seed, u32 element) {
  u32 bits = __float_as_uint(x), noise = mix32(mix32(element) ^ seed) & 0xffffu;
  if ((bits & 0x7fffffffu) >= 0x7f800000u) return x;
  return __uint_as_float((bits + noise) & 0xffff0000u);
}

// Eight values of a parameter from `element` on, as store8.
__device__ __forceinline__ void store_parameters(float *at, const float *x, i64 count, u32, i64) { store8(at, x, count); }
__device__ __forceinline__ void store_parameters(bf16 *at, const float *x, i64 count, u32 seed, i64 element) {
  float rounded[8];
#pragma unroll
  for (int i = 0; i < 8; i++) rounded[i] = round_stochastically(x[i], seed, static_cast<u32>(element) + i);
  store8(at, rounded, count);
}
