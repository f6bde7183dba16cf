#include "random.cuh"

// `key` is mix32 of the seed.
extern "C" __global__ void dropout(X *y, const X *x, i64 length, u32 threshold, float scale, u32 key, u32 counter) {
  i64 at = eight_each(), count = length - at;
  float value[8];
  load8(x + at, value, count);
#pragma unroll
  for (int i = 0; i < 8; i++) {
    u32 bits = mix32(mix32(counter + static_cast<u32>(at) + i) ^ key);
    value[i] = bits >= threshold ? value[i] * scale : 0.f;
  }
  store8(y + at, value, count);
}
