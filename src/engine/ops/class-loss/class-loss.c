#include <math.h>

#include "../cross-entropy/focal.h"
#include "fettle.h"

/** Rows of a few labels are taken together. */
static int64_t rows_together(int64_t labels) {
  const int64_t rows = 1024 / labels;
  return rows > 1 ? rows : 1;
}

struct softmax_loss {
  float *loss, *dlogits;
  const float *logits;
  const int32_t *targets;
  const float *weights, *class_weights;
  int64_t labels;
  float scale, gamma, smoothing;
};

static void softmax_rows(int64_t begin, int64_t end, void *context) {
  const struct softmax_loss *c = context;
  const float each = c->smoothing / c->labels;
  float sum_of_weights = 0;
  for (int64_t i = 0; i < c->labels; i++) sum_of_weights += c->class_weights[i];
  for (int64_t row = begin; row < end; row++) {
    const float *z = c->logits + row * c->labels;
    const int32_t target = c->targets[row];
    float largest = z[0], sum = 0, smoothed = 0;
    for (int64_t i = 1; i < c->labels; i++) largest = fmaxf(largest, z[i]);
    for (int64_t i = 0; i < c->labels; i++) sum += expf(z[i] - largest);
    const float total = largest + logf(sum);
    for (int64_t i = 0; i < c->labels; i++) smoothed += c->class_weights[i] * (total - z[i]);
    const struct focal focal = focal_term(total - z[target], c->gamma);
    const float share = (1.0f - c->smoothing) * c->class_weights[target];
    c->loss[row] = c->weights[row] * (share * focal.loss + each * smoothed);
    if (!c->dlogits) continue;
    float *dz = c->dlogits + row * c->labels;
    const float factor = c->scale * c->weights[row], towards = share * focal.slope + each * sum_of_weights;
    for (int64_t i = 0; i < c->labels; i++) {
      const float away = (i == target ? share * focal.slope : 0) + each * c->class_weights[i];
      dz[i] = factor * (towards * expf(z[i] - total) - away);
    }
  }
}

FETTLE_KERNEL(class_loss_softmax) {
  struct softmax_loss c = {
      .loss = PTR(float, 0),
      .dlogits = PTR(float, 1),
      .logits = PTR(float, 2),
      .targets = PTR(int32_t, 3),
      .weights = PTR(float, 4),
      .class_weights = PTR(float, 5),
      .labels = INT(7),
      .scale = NUM(8),
      .gamma = NUM(9),
      .smoothing = NUM(10),
  };
  parallel_for(INT(6), rows_together(c.labels), softmax_rows, &c);
}

struct sigmoid_loss {
  float *loss, *dlogits;
  const float *logits, *targets, *weights, *positive, *negative;
  int64_t labels;
  float scale, gamma;
};

/** (1 - p)^gamma * -log p with p the sigmoid of z, and its derivative by z. */
static struct focal focal_sigmoid(float z, float gamma) {
  const float nats = fmaxf(-z, 0) + log1pf(expf(-fabsf(z)));
  const float p = expf(-nats), focus = gamma == 0 ? 1.0f : expf(-gamma * (nats + z));
  return (struct focal){focus * nats, -focus * (gamma * p * nats + (1.0f - p))};
}

static void sigmoid_rows(int64_t begin, int64_t end, void *context) {
  const struct sigmoid_loss *c = context;
  for (int64_t row = begin; row < end; row++) {
    const float factor = c->scale * c->weights[row] / c->labels;
    float sum = 0;
    for (int64_t i = 0; i < c->labels; i++) {
      const int64_t at = row * c->labels + i;
      const struct focal yes = focal_sigmoid(c->logits[at], c->gamma), no = focal_sigmoid(-c->logits[at], c->gamma);
      const float a = c->positive[i] * c->targets[at], b = c->negative[i] * (1.0f - c->targets[at]);
      sum += a * yes.loss + b * no.loss;
      if (c->dlogits) c->dlogits[at] = factor * (a * yes.slope - b * no.slope);
    }
    c->loss[row] = c->weights[row] / c->labels * sum;
  }
}

FETTLE_KERNEL(class_loss_sigmoid) {
  struct sigmoid_loss c = {
      .loss = PTR(float, 0),
      .dlogits = PTR(float, 1),
      .logits = PTR(float, 2),
      .targets = PTR(float, 3),
      .weights = PTR(float, 4),
      .positive = PTR(float, 5),
      .negative = PTR(float, 6),
      .labels = INT(8),
      .scale = NUM(9),
      .gamma = NUM(10),
  };
  parallel_for(INT(7), rows_together(c.labels), sigmoid_rows, &c);
}
