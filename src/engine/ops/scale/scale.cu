#include "fettle.cuh"

extern "C" __global__ void scale(X *x, i64 length, float factor) {
  i64 at = eight_each(), count = length - at;
  float value[8];
  load8(x + at, value, count);
#pragma unroll
  for (int i = 0; i < 8; i++) value[i] *= factor;
  store8(x + at, value, count);
}
