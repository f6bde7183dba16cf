#include "focal.h"
#include "logits.h"

struct cross_entropy {
  float *loss, *logits, *dlogits;
  const int32_t *targets;
  const float *weights;
  int64_t vocabulary;
  float scale, softcap, gamma, smoothing;
};

/** dz = factor · softmax(z) - less, times the slope of the soft cap; dz may be z. */
static void softmax_gradient(float *dz, const float *z, int64_t vocabulary, float total, float factor, float less,
                             float softcap) {
  const float inverse = softcap == 0 ? 0 : 1.0f / softcap;
  for (int64_t i = 0; i < vocabulary; i += LANES) {
    const int64_t count = vocabulary - i;
    const vfloat value = load_logits(z + i, count);
    const vfloat squeezed = value * inverse;
    store_logits(dz + i, (vexp(value - total) * factor - less) * (1.0f - squeezed * squeezed), count);
  }
}

static float sum_of(const float *z, int64_t vocabulary) {
  vfloat sum = {0};
  int64_t i = 0;
  for (; i + LANES <= vocabulary; i += LANES) sum += vload(z + i);
  return vsum(sum + vload_part(z + i, vocabulary - i));
}

static void cross_entropy_rows(int64_t begin, int64_t end, void *context) {
  const struct cross_entropy *c = context;
  for (int64_t row = begin; row < end; row++) {
    float *z = c->logits + row * c->vocabulary;
    const int32_t target = c->targets[row];
    if (c->softcap != 0) cap_logits(z, c->vocabulary, c->softcap);
    const float total = log_sum_exp(z, c->vocabulary);
    const struct focal focal = focal_term(total - z[target], c->gamma);
    const float taught = 1.0f - c->smoothing;
    const float mean = c->smoothing == 0 ? 0 : total - sum_of(z, c->vocabulary) / c->vocabulary;
    c->loss[row] = c->weights[row] * (taught * focal.loss + c->smoothing * mean);
    if (!c->dlogits) continue;
    float *dz = c->dlogits + row * c->vocabulary;
    const float factor = c->scale * c->weights[row];
    const float squeezed = c->softcap == 0 ? 0 : z[target] / c->softcap;
    const float towards = taught * focal.slope;
    softmax_gradient(dz, z, c->vocabulary, total, factor * (towards + c->smoothing),
                     factor * c->smoothing / c->vocabulary, c->softcap);
    dz[target] -= factor * towards * (1.0f - squeezed * squeezed);
  }
}

FETTLE_KERNEL(cross_entropy) {
  struct cross_entropy c = {
      .loss = PTR(float, 0),
      .logits = PTR(float, 1),
      .dlogits = PTR(float, 2),
      .targets = PTR(int32_t, 3),
      .weights = PTR(float, 4),
      .vocabulary = INT(6),
      .scale = NUM(7),
      .softcap = NUM(8),
      .gamma = NUM(9),
      .smoothing = NUM(10),
  };
  parallel_for(INT(5), rows_per_chunk(c.vocabulary), cross_entropy_rows, &c);
}
