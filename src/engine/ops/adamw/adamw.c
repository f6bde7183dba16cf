#include "fettle.h"
#include "stochastic-rounding.h"

enum { F32 = 0, BF16 = 1, CHUNK = 1 << 14, PIECE = 256 };

struct adamw {
  void *p;
  const void *g;
  float *m, *v;
  bf16 *rounded;
  float rate, decay, fresh1, beta2, fresh2, eps, uncorrect2, gradient_scale;
  uint32_t seed;
};

static inline void adamw_lanes(const struct adamw *job, vfloat *p, vfloat g, vfloat *m, vfloat *v) {
  g *= job->gradient_scale;
  *m += job->fresh1 * (g - *m);
  *v = job->beta2 * *v + job->fresh2 * (g * g);
  *p = job->decay * *p - job->rate * *m / (vsqrt(*v) * job->uncorrect2 + job->eps);
}

/** Elements at, at + 1, … whose parameters and gradients are at p and g. */
static void adamw_run(const struct adamw *job, float *p, const float *g, int64_t at, int64_t count) {
  float *m_run = job->m + at, *v_run = job->v + at;
  int64_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    vfloat x = vload(p + i), m = vload(m_run + i), v = vload(v_run + i);
    adamw_lanes(job, &x, vload(g + i), &m, &v);
    vstore(p + i, x);
    vstore(m_run + i, m);
    vstore(v_run + i, v);
  }
  if (i == count) return;
  int64_t rest = count - i;
  vfloat x = vload_part(p + i, rest), m = vload_part(m_run + i, rest), v = vload_part(v_run + i, rest);
  adamw_lanes(job, &x, vload_part(g + i, rest), &m, &v);
  vstore_part(p + i, x, rest);
  vstore_part(m_run + i, m, rest);
  vstore_part(v_run + i, v, rest);
}

static void adamw_f32(int64_t begin, int64_t end, void *context) {
  const struct adamw *job = context;
  float *p = (float *)job->p + begin;
  adamw_run(job, p, (const float *)job->g + begin, begin, end - begin);
  if (job->rounded == NULL) return;
#pragma GCC ivdep
  for (int64_t i = 0; i < end - begin; i++) job->rounded[begin + i] = bf16_from_float(p[i]);
}

static void adamw_bf16(int64_t begin, int64_t end, void *context) {
  const struct adamw *job = context;
  float p[PIECE], g[PIECE];
  for (int64_t at = begin; at < end; at += PIECE) {
    int64_t count = end - at < PIECE ? end - at : PIECE;
    for (int64_t i = 0; i < count; i++) {
      p[i] = bf16_to_float(((const bf16 *)job->p)[at + i]);
      g[i] = bf16_to_float(((const bf16 *)job->g)[at + i]);
    }
    adamw_run(job, p, g, at, count);
    store_stochastic(job->p, at, p, count, job->seed);
  }
}

FETTLE_KERNEL(adamw) {
  double rate = NUM(7), beta1 = NUM(8), beta2 = NUM(9), weight_decay = NUM(11), correction1 = NUM(12);
  struct adamw job = {
    .p = PTR(void, 0),
    .g = PTR(const void, 2),
    .m = PTR(float, 3),
    .v = PTR(float, 4),
    .rounded = PTR(bf16, 5),
    .rate = (float)(rate / correction1),
    .decay = (float)(1 - rate * weight_decay),
    .fresh1 = (float)(1 - beta1),
    .beta2 = (float)beta2,
    .fresh2 = (float)(1 - beta2),
    .eps = (float)NUM(10),
    .uncorrect2 = (float)(1 / NUM(13)),
    .gradient_scale = (float)NUM(14),
    .seed = (uint32_t)INT(15),
  };
  parallel_for(INT(6), CHUNK, INT(1) == BF16 ? adamw_bf16 : adamw_f32, &job);
}
