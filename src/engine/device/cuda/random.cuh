// Random bits as functions of a seed and a counter, and rounding by them.
#pragma once
#include "fettle.cuh"

// mix32 of base/random.ts.
__device__ __forceinline__ u32 mix32(u32 z) {
  z = (z ^ (z >> 16)) * 0x21f0aaadu;
  z = (z ^ (z >> 15)) * 0x735a2d97u;
  return z ^ (z >> 15);
}

// One of the two bf16 values around x, the nearer the likelier: see ops/adamw/adamw.ts. Infinities and NaN stay. No branch.
__device__ __forceinline__ float round_stochastically(float x, u32 seed, u32 element) {
  u32 bits = __float_as_uint(x), noise = mix32(mix32(element) ^ seed) & 0xffffu;
  bool finite = (bits & 0x7fffffffu) < 0x7f800000u;
  return __uint_as_float(finite ? (bits + noise) & 0xffff0000u : bits);
}

// Eight values from `element` on, as a parameter of the type holds them.
__device__ __forceinline__ void round_parameters(const float *, float *, u32, u32) {}
__device__ __forceinline__ void round_parameters(const bf16 *, float *x, u32 seed, u32 element) {
#pragma unroll
  for (int i = 0; i < 8; i++) x[i] = round_stochastically(x[i], seed, element + i);
}
