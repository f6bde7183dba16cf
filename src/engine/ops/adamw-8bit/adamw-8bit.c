#include "../adamw/stochastic-rounding.h"
#include "fettle.h"

enum { BF16 = 1, BLOCK = 256, MAP_SIZE = 256, BUCKETS = 1 << 16 };

/**
 * A dynamic map made ready for encoding. x lies above threshold[c] exactly where its code is above c. The upper 16 bits
 * of a float are its bucket; neighbours in the map are further apart than a bucket is wide, so between the code of a
 * bucket's least value and that of any other there is at most one threshold.
 */
struct encoder {
  float map[MAP_SIZE];
  float threshold[MAP_SIZE];
  uint8_t least[BUCKETS];
};

/** Kept from call to call: maps do not change, and buckets take a millisecond. */
static struct encoder encoder1, encoder2;

static inline float float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline uint32_t bits_of_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static void prepare(struct encoder *encoder, const float *map) {
  if (memcmp(encoder->map, map, sizeof encoder->map) == 0) return;
  memcpy(encoder->map, map, sizeof encoder->map);
  for (int code = 0; code < MAP_SIZE - 1; code++) {
    /* A value on the middle of two neighbours gets the even one: see dynamic-map.ts. */
    float middle = (map[code] + map[code + 1]) / 2;
    encoder->threshold[code] = code % 2 ? nextafterf(middle, -INFINITY) : middle;
  }
  encoder->threshold[MAP_SIZE - 1] = INFINITY;
  for (uint32_t bucket = 0; bucket < BUCKETS; bucket++) {
    float least = float_of_bits(bucket << 16 | (bucket & 0x8000 ? 0xffff : 0));
    int code = 0;
    for (int half = MAP_SIZE / 2; half >= 1; half /= 2) code += least > encoder->threshold[code + half - 1] ? half : 0;
    encoder->least[bucket] = (uint8_t)code;
  }
}

static inline uint8_t encode(const struct encoder *encoder, float x) {
  uint8_t code = encoder->least[bits_of_float(x) >> 16];
  return (uint8_t)(code + (x > encoder->threshold[code]));
}

struct adamw_8bit {
  void *p;
  const void *g;
  bf16 *rounded;
  float *absmax1, *absmax2;
  uint8_t *state1, *state2;
  int64_t length;
  int dtype;
  uint32_t seed;
  float rate, beta1, fresh1, beta2, fresh2, eps, decay, gradient_scale;
};

static float largest_magnitude(const float *x, int64_t length) {
  vfloat lanes = vset(0);
  int64_t i = 0;
  for (; i + LANES <= length; i += LANES) lanes = vmax(vabs(vload(x + i)), lanes);
  float largest = vmaximum(lanes);
  for (; i < length; i++) largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
  return largest;
}

static void widen(float *y, const bf16 *x, int64_t length) {
  for (int64_t i = 0; i < length; i++) y[i] = bf16_to_float(x[i]);
}

static void update_block(const struct adamw_8bit *job, int64_t block) {
  int64_t at = block * BLOCK;
  int64_t length = job->length - at < BLOCK ? job->length - at : BLOCK;
  float *p = (float *)job->p + at, wide_p[BLOCK], wide_g[BLOCK];
  const float *g = (const float *)job->g + at;
  if (job->dtype == BF16) {
    widen(wide_p, (const bf16 *)job->p + at, length);
    widen(wide_g, (const bf16 *)job->g + at, length);
    p = wide_p;
    g = wide_g;
  }
  uint8_t *state1 = job->state1 + at, *state2 = job->state2 + at;
  float m[BLOCK], v[BLOCK];
  for (int64_t i = 0; i < length; i++) {
    m[i] = encoder1.map[state1[i]];
    v[i] = encoder2.map[state2[i]];
  }
  float scale1 = job->absmax1[block] * job->beta1, scale2 = job->absmax2[block] * job->beta2;
#pragma GCC ivdep
  for (int64_t i = 0; i < length; i++) {
    float gradient = g[i] * job->gradient_scale;
    int finite = fabsf(gradient) < INFINITY;
    float first = m[i] * scale1 + job->fresh1 * gradient;
    float second = v[i] * scale2 + job->fresh2 * (gradient * gradient);
    float moved = (p[i] - job->rate * first / (sqrtf(second) + job->eps)) * job->decay;
    p[i] = finite ? moved : p[i];
    m[i] = finite ? first : 0;
    v[i] = finite ? second : 0;
  }
  if (job->dtype == BF16) store_stochastic(job->p, at, p, length, job->seed);
  if (job->rounded)
    for (int64_t i = 0; i < length; i++) job->rounded[at + i] = bf16_from_float(p[i]);
  float largest1 = largest_magnitude(m, length), largest2 = largest_magnitude(v, length);
  job->absmax1[block] = largest1;
  job->absmax2[block] = largest2;
  /* A block of zeros: any divisor keeps them zeros. */
  float divisor1 = largest1 > 0 ? largest1 : 1, divisor2 = largest2 > 0 ? largest2 : 1;
  for (int64_t i = 0; i < length; i++) {
    m[i] /= divisor1;
    v[i] /= divisor2;
  }
  for (int64_t i = 0; i < length; i++) {
    int code = encode(&encoder1, m[i]);
    float decoded = encoder1.map[code];
    /* A moment must not come back with the other sign. */
    code += (m[i] > 0) & (decoded < 0);
    code -= (m[i] < 0) & (decoded >= 0);
    state1[i] = (uint8_t)code;
    state2[i] = encode(&encoder2, v[i]);
  }
}

static void update_blocks(int64_t begin, int64_t end, void *context) {
  for (int64_t block = begin; block < end; block++) update_block(context, block);
}

FETTLE_KERNEL(adamw_8bit) {
  double rate = NUM(11), beta1 = NUM(12), beta2 = NUM(13), eps = NUM(14), weight_decay = NUM(15);
  double correction1 = NUM(16), correction2 = NUM(17);
  struct adamw_8bit job = {
    .p = PTR(void, 0),
    .dtype = (int)INT(1),
    .g = PTR(const void, 2),
    .state1 = PTR(uint8_t, 3),
    .state2 = PTR(uint8_t, 4),
    .absmax1 = PTR(float, 5),
    .absmax2 = PTR(float, 6),
    .rounded = PTR(bf16, 9),
    .length = INT(10),
    .rate = (float)(rate * correction2 / correction1),
    .beta1 = (float)beta1,
    .fresh1 = (float)(1 - beta1),
    .beta2 = (float)beta2,
    .fresh2 = (float)(1 - beta2),
    .eps = (float)(correction2 * eps),
    .decay = (float)(1 - rate * weight_decay),
    .gradient_scale = (float)NUM(18),
    .seed = (uint32_t)INT(19),
  };
  prepare(&encoder1, PTR(const float, 7));
  prepare(&encoder2, PTR(const float, 8));
  parallel_for((job.length + BLOCK - 1) / BLOCK, 32, update_blocks, &job);
}
