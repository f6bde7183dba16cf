#include "fettle.h"

enum { BLOCK = 256, MAP_SIZE = 256 };

/** A dynamic map made ready for searching: x lies above threshold[c] exactly where its code is above c. */
struct encoder {
  const float *map;
  float threshold[MAP_SIZE - 1];
};

/** The code between two neighbours' middles; on a middle the even neighbour: see dynamic-map.ts. */
static void prepare(struct encoder *encoder, const float *map) {
  encoder->map = map;
  for (int code = 0; code < MAP_SIZE - 1; code++) {
    float middle = (map[code] + map[code + 1]) / 2;
    encoder->threshold[code] = code % 2 ? nextafterf(middle, -INFINITY) : middle;
  }
}

/** Codes of scaled values; a vectoriser turns the lookups into gathers. */
static void encode(uint8_t *codes, const struct encoder *encoder, const float *x, int64_t length) {
  int32_t found[BLOCK];
  for (int64_t i = 0; i < length; i++) {
    int32_t code = 0;
    for (int half = MAP_SIZE / 2; half >= 1; half /= 2) code += x[i] > encoder->threshold[code + half - 1] ? half : 0;
    found[i] = code;
  }
  for (int64_t i = 0; i < length; i++) codes[i] = (uint8_t)found[i];
}

struct adamw_8bit {
  float *p, *absmax1, *absmax2;
  const float *g;
  uint8_t *state1, *state2;
  struct encoder encoder1, encoder2;
  int64_t length;
  float rate, beta1, fresh1, beta2, fresh2, eps, decay, gradient_scale;
};

static void update_block(const struct adamw_8bit *job, int64_t block) {
  int64_t at = block * BLOCK;
  int64_t length = job->length - at < BLOCK ? job->length - at : BLOCK;
  float *p = job->p + at;
  const float *g = job->g + at;
  uint8_t *state1 = job->state1 + at, *state2 = job->state2 + at;
  float m[BLOCK], v[BLOCK];
  float scale1 = job->absmax1[block] * job->beta1, scale2 = job->absmax2[block] * job->beta2;
  float largest1 = 0, largest2 = 0;
  for (int64_t i = 0; i < length; i++) {
    float gradient = g[i] * job->gradient_scale;
    int finite = fabsf(gradient) < INFINITY;
    float first = job->encoder1.map[state1[i]] * scale1 + job->fresh1 * gradient;
    float second = job->encoder2.map[state2[i]] * scale2 + job->fresh2 * (gradient * gradient);
    float moved = (p[i] - job->rate * first / (sqrtf(second) + job->eps)) * job->decay;
    p[i] = finite ? moved : p[i];
    m[i] = finite ? first : 0;
    v[i] = finite ? second : 0;
  }
  for (int64_t i = 0; i < length; i++) {
    largest1 = fabsf(m[i]) > largest1 ? fabsf(m[i]) : largest1;
    largest2 = v[i] > largest2 ? v[i] : largest2;
  }
  job->absmax1[block] = largest1;
  job->absmax2[block] = largest2;
  for (int64_t i = 0; i < length; i++) {
    m[i] = largest1 > 0 ? m[i] / largest1 : 0;
    v[i] = largest2 > 0 ? v[i] / largest2 : 0;
  }
  encode(state1, &job->encoder1, m, length);
  encode(state2, &job->encoder2, v, length);
  for (int64_t i = 0; i < length; i++) {
    int code = state1[i];
    int differs = (m[i] < 0) != (job->encoder1.map[code] < 0);
    state1[i] = (uint8_t)(code + (differs ? (m[i] > 0 ? 1 : -1) : 0));
  }
}

static void update_blocks(int64_t begin, int64_t end, void *context) {
  for (int64_t block = begin; block < end; block++) update_block(context, block);
}

FETTLE_KERNEL(adamw_8bit) {
  double rate = NUM(9), beta1 = NUM(10), beta2 = NUM(11), eps = NUM(12), weight_decay = NUM(13);
  double correction1 = NUM(14), correction2 = NUM(15);
  struct adamw_8bit job = {
    .p = PTR(float, 0),
    .g = PTR(const float, 1),
    .state1 = PTR(uint8_t, 2),
    .state2 = PTR(uint8_t, 3),
    .absmax1 = PTR(float, 4),
    .absmax2 = PTR(float, 5),
    .length = INT(8),
    .rate = (float)(rate * correction2 / correction1),
    .beta1 = (float)beta1,
    .fresh1 = (float)(1 - beta1),
    .beta2 = (float)beta2,
    .fresh2 = (float)(1 - beta2),
    .eps = (float)(correction2 * eps),
    .decay = (float)(1 - rate * weight_decay),
    .gradient_scale = (float)NUM(16),
  };
  prepare(&job.encoder1, PTR(const float, 6));
  prepare(&job.encoder2, PTR(const float, 7));
  parallel_for((job.length + BLOCK - 1) / BLOCK, 32, update_blocks, &job);
}
