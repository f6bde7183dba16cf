#include "fettle.h"

struct adamw {
  float *p, *m, *v;
  const float *g;
  float rate, decay, fresh1, beta2, fresh2, eps, uncorrect2, gradient_scale;
};

static inline void adamw_lanes(const struct adamw *job, vfloat *p, vfloat g, vfloat *m, vfloat *v) {
  g *= job->gradient_scale;
  *m += job->fresh1 * (g - *m);
  *v = job->beta2 * *v + job->fresh2 * (g * g);
  *p = job->decay * *p - job->rate * *m / (vsqrt(*v) * job->uncorrect2 + job->eps);
}

static void adamw_range(int64_t begin, int64_t end, void *context) {
  const struct adamw *job = context;
  int64_t i = begin;
  for (; i + LANES <= end; i += LANES) {
    vfloat p = vload(job->p + i), m = vload(job->m + i), v = vload(job->v + i);
    adamw_lanes(job, &p, vload(job->g + i), &m, &v);
    vstore(job->p + i, p);
    vstore(job->m + i, m);
    vstore(job->v + i, v);
  }
  if (i == end) return;
  int64_t rest = end - i;
  vfloat p = vload_part(job->p + i, rest), m = vload_part(job->m + i, rest), v = vload_part(job->v + i, rest);
  adamw_lanes(job, &p, vload_part(job->g + i, rest), &m, &v);
  vstore_part(job->p + i, p, rest);
  vstore_part(job->m + i, m, rest);
  vstore_part(job->v + i, v, rest);
}

FETTLE_KERNEL(adamw) {
  double rate = NUM(5), beta1 = NUM(6), beta2 = NUM(7), weight_decay = NUM(9), correction1 = NUM(10);
  struct adamw job = {
    .p = PTR(float, 0),
    .g = PTR(const float, 1),
    .m = PTR(float, 2),
    .v = PTR(float, 3),
    .rate = (float)(rate / correction1),
    .decay = (float)(1 - rate * weight_decay),
    .fresh1 = (float)(1 - beta1),
    .beta2 = (float)beta2,
    .fresh2 = (float)(1 - beta2),
    .eps = (float)NUM(8),
    .uncorrect2 = (float)(1 / NUM(11)),
    .gradient_scale = (float)NUM(12),
  };
  parallel_for(INT(4), 1 << 14, adamw_range, &job);
}
