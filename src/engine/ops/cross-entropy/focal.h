/** The focal loss of one answer (Lin et al. 2017, arXiv 1708.02002). */
#ifndef FETTLE_FOCAL_H
#define FETTLE_FOCAL_H

#include <math.h>

/** `slope` is what (p - onehot) is multiplied by in the gradient by the logits. */
struct focal {
  float loss, slope;
};

/** (1 - p)^gamma * nats with nats = -log p. */
static inline struct focal focal_term(float nats, float gamma) {
  if (gamma == 0) return (struct focal){nats, 1.0f};
  /* Not 0, whose power may be infinite; nats is 0 there, and so is the loss. */
  const float miss = fmaxf(-expm1f(-nats), 1e-30f);
  const float before = powf(miss, gamma - 1.0f);
  return (struct focal){before * miss * nats, before * (miss + gamma * expf(-nats) * nats)};
}

#endif
