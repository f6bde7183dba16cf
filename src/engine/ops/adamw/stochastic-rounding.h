/** Rounding to bf16 at random, the nearer value the likelier: see adamw.ts. */
#ifndef FETTLE_STOCHASTIC_ROUNDING_H
#define FETTLE_STOCHASTIC_ROUNDING_H

#include "fettle.h"

/** mix32 of base/random.ts. */
static inline uint32_t stochastic_mix32(uint32_t z) {
  z = (z ^ (z >> 16)) * 0x21f0aaadu;
  z = (z ^ (z >> 15)) * 0x735a2d97u;
  return z ^ (z >> 15);
}

static inline bf16 bf16_stochastic(float value, uint32_t seed, int64_t element) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint32_t noise = stochastic_mix32(stochastic_mix32((uint32_t)element) ^ seed) & 0xffff;
  uint32_t size = bits & 0x7fffffff;
  uint32_t infinite = size == 0x7f800000 ? bits : bits | 0x400000;
  return (bf16)((size < 0x7f800000 ? bits + noise : infinite) >> 16);
}

/** `count` values to elements at, at + 1, … of a parameter. */
static inline void store_stochastic(bf16 *parameter, int64_t at, const float *values, int64_t count, uint32_t seed) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; i++) parameter[at + i] = bf16_stochastic(values[i], seed, at + i);
}

#endif
