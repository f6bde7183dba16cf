// ACTIVATION is a code of gated.ts: 0 silu, 1 gelu_pytorch_tanh, 2 gelu.
#include "fettle.cuh"

struct Activated {
  float value, slope;
};

// The tanh form of gelu is x times a sigmoid as well: 1/2 (1 + tanh u) = sigmoid(2u).
__device__ __forceinline__ Activated activate(float x) {
#if ACTIVATION == 2
  float share = 0.5f * (1.f + erff(x * 0.70710678f));
  float density = 0.39894228f * expf(-0.5f * x * x);
  return {x * share, share + x * density};
#else
#if ACTIVATION == 1
  constexpr float ROOT = 0.79788456f, CUBIC = 0.044715f; // sqrt(2 / pi)
  float u = 2.f * ROOT * x * (1.f + CUBIC * x * x), du = 2.f * ROOT * (1.f + 3.f * CUBIC * x * x);
#else
  float u = x, du = 1.f;
#endif
  float e = expf(-fabsf(u)), large = __fdividef(1.f, 1.f + e), small = e * large;
  float share = u < 0.f ? small : large;
  return {x * share, share + x * du * small * large};
#endif
}

extern "C" __global__ void gated_forward(X *y, const X *gate, const X *up, i64 length) {
  i64 at = eight_each(), count = length - at;
  float g[8], u[8];
  load8(gate + at, g, count);
  load8(up + at, u, count);
#pragma unroll
  for (int i = 0; i < 8; i++) u[i] *= activate(g[i]).value;
  store8(y + at, u, count);
}

extern "C" __global__ void gated_backward(X *dgate, X *dup, const X *dy, const X *gate, const X *up, i64 length) {
  i64 at = eight_each(), count = length - at;
  float d[8], g[8], u[8];
  load8(dy + at, d, count);
  load8(gate + at, g, count);
  load8(up + at, u, count);
#pragma unroll
  for (int i = 0; i < 8; i++) {
    Activated a = activate(g[i]);
    g[i] = d[i] * u[i] * a.slope;
    u[i] = d[i] * a.value;
  }
  store8(dgate + at, g, count);
  store8(dup + at, u, count);
}
