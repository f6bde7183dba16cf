#include "activation.cuh"

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
