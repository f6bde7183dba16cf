#include "random.cuh"

extern "C" __global__ void __launch_bounds__(256) random_normal(Y *y, i64 length, u32 seed, float deviation) {
  i64 at = eight_each();
  float value[8];
#pragma unroll
  for (int i = 0; i < 8; i += 2) {
    u32 counter = static_cast<u32>(at) + i;
    float a = ((mix32(mix32(counter) ^ seed) >> 8) + 1) * (1.f / 16777216.f);
    float b = (mix32(mix32(counter + 1) ^ seed) >> 8) * (1.f / 16777216.f);
    float radius = deviation * sqrtf(-2.f * logf(a)), sine, cosine;
    sincosf(6.283185307f * b, &sine, &cosine);
    value[i] = radius * cosine, value[i + 1] = radius * sine;
  }
  store8(y + at, value, length - at);
}
