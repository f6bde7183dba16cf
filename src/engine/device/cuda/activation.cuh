// Activation functions and their derivatives; ACTIVATION is a code of ops/activation/activation.ts.
#pragma once
#include "fettle.cuh"

struct Activated {
  float value, slope;
};

// The tanh form of gelu is x times a sigmoid as well: 1/2 (1 + tanh u) = sigmoid(2u).
__device__ __forceinline__ Activated activate(float x) {
#if ACTIVATION == 4
  float value = tanhf(x);
  return {value, fmaf(-value, value, 1.f)};
#elif ACTIVATION == 3
  return {x < 0.f ? 0.f : x, x > 0.f ? 1.f : 0.f};
#elif ACTIVATION == 2
  float share = 0.5f * (1.f + erff(x * 0.70710678f));
  float density = 0.39894228f * expf(-0.5f * x * x);
  return {x * share, share + x * density};
#else
  constexpr float LOG2_E = 1.44269504f;
#if ACTIVATION == 1
  constexpr float ROOT = 0.79788456f, CUBIC = 0.044715f; // sqrt(2 / pi)
  float u = 2.f * ROOT * x * (1.f + CUBIC * x * x), du = 2.f * ROOT * (1.f + 3.f * CUBIC * x * x);
#elif ACTIVATION == 5
  float u = 1.702f * x, du = 1.702f;
#else
  float u = x, du = 1.f;
#endif
  float share = fast_reciprocal(1.f + fast_exp2(-LOG2_E * u)), value = x * share;
  return {value, fmaf(value * du, 1.f - share, share)};
#endif
}
