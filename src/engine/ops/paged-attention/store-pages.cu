// X: type of everything but the places. Slices of 8 * blockDim.x columns along y.
#include "fettle.cuh"

extern "C" __global__ void store_pages(X *keys, X *values, const X *k, const X *v, const i32 *place, i32 width) {
  i64 column = (static_cast<i64>(blockIdx.y) * blockDim.x + threadIdx.x) * 8, count = width - column;
  i64 from = static_cast<i64>(blockIdx.x) * width + column, to = static_cast<i64>(place[blockIdx.x]) * width + column;
  float line[8];
  load8(k + from, line, count);
  store8(keys + to, line, count);
  load8(v + from, line, count);
  store8(values + to, line, count);
}
