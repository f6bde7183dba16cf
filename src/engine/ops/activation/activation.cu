#include "activation.cuh"

extern "C" __global__ void activation_forward(X *y, const X *x, i64 length) {
  i64 at = eight_each(), count = length - at;
  float values[8];
  load8(x + at, values, count);
#pragma unroll
  for (int i = 0; i < 8; i++) values[i] = activate(values[i]).value;
  store8(y + at, values, count);
}

extern "C" __global__ void activation_backward(X *dx, const X *dy, const X *x, i64 length) {
  i64 at = eight_each(), count = length - at;
  float values[8], d[8];
  load8(x + at, values, count);
  load8(dy + at, d, count);
#pragma unroll
  for (int i = 0; i < 8; i++) d[i] *= activate(values[i]).slope;
  store8(dx + at, d, count);
}
