#include "fettle.cuh"

extern "C" __global__ void cast(Y *y, const X *x, i64 length) {
  i64 at = eight_each(), count = length - at;
  float value[8];
  load8(x + at, value, count);
  store8(y + at, value, count);
}
