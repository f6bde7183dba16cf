#include "fettle.h"

enum { BF16 = 1 };

struct random_normal {
  void *y;
  int dtype;
  int64_t length;
  uint32_t seed;
  float deviation;
};

/** mix32 of base/random.ts. */
static inline uint32_t mix32(uint32_t z) {
  z = (z ^ (z >> 16)) * 0x21f0aaadu;
  z = (z ^ (z >> 15)) * 0x735a2d97u;
  return z ^ (z >> 15);
}

static inline void put(const struct random_normal *job, int64_t i, float value) {
  if (i >= job->length) return;
  if (job->dtype == BF16) ((bf16 *)job->y)[i] = bf16_from_float(value);
  else ((float *)job->y)[i] = value;
}

static void random_pairs(int64_t begin, int64_t end, void *context) {
  const struct random_normal *job = context;
  for (int64_t i = 2 * begin; i < 2 * end; i += 2) {
    float a = (float)((mix32(mix32((uint32_t)i) ^ job->seed) >> 8) + 1) * 0x1p-24f;
    float b = (float)(mix32(mix32((uint32_t)i + 1) ^ job->seed) >> 8) * 0x1p-24f;
    float radius = job->deviation * sqrtf(-2 * logf(a)), angle = 6.283185307f * b;
    put(job, i, radius * cosf(angle));
    put(job, i + 1, radius * sinf(angle));
  }
}

FETTLE_KERNEL(random_normal) {
  struct random_normal job = {PTR(void, 0), (int)INT(1), INT(2), (uint32_t)INT(3), (float)NUM(4)};
  parallel_for((job.length + 1) / 2, 1 << 10, random_pairs, &job);
}
