#include "fettle.cuh"

extern "C" __global__ void add(X *y, const X *a, const X *b, i64 length) {
  i64 at = eight_each(), count = length - at;
  float first[8], second[8];
  load8(a + at, first, count);
  load8(b + at, second, count);
#pragma unroll
  for (int i = 0; i < 8; i++) first[i] += second[i];
  store8(y + at, first, count);
}
