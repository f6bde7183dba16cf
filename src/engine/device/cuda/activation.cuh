// Activation functions of MLPs and their derivatives; ACTIVATION is a code of ops/activation/activation.ts.
#pragma once
#include "fettle.cuh"

struct Activated {
  float value, slope;
};

// The tanh form of gelu is x times a sigmoid as well: 1/2 (1 + tanh u) = sigmoid(2u).
__device__ __forceinline__ Activated activate(float x) {
#if ACTIVATION == 3
  return {x < 0.f ? 0.f : x, x > 0.f ? 1.f : 0.f};
#elif ACTIVATION == 2
