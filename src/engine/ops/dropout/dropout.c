#include "fettle.h"

struct dropout {
  float *y;
  const float *x;
  uint32_t threshold, key, counter;
  float scale;
};

/** mix32 of base/random.ts. */
static inline uint32_t mix32(uint32_t z) {
  z = (z ^ (z >> 16)) * 0x21f0aaadu;
  z = (z ^ (z >> 15)) * 0x735a2d97u;
  return z ^ (z >> 15);
}

static void dropout_range(int64_t begin, int64_t end, void *context) {
  const struct dropout c = *(const struct dropout *)context;
#pragma GCC ivdep
  for (int64_t i = begin; i < end; i++) {
    const uint32_t bits = mix32(mix32(c.counter + (uint32_t)i) ^ c.key);
    c.y[i] = bits >= c.threshold ? c.x[i] * c.scale : 0.0f;
  }
}

FETTLE_KERNEL(dropout) {
  struct dropout c = {
      .y = PTR(float, 0),
      .x = PTR(float, 1),
      .threshold = (uint32_t)INT(3),
      .scale = NUM(4),
      .key = mix32((uint32_t)INT(5)),
      .counter = (uint32_t)INT(6),
  };
  parallel_for(INT(2), 8192, dropout_range, &c);
}
