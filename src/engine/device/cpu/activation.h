/** Activation functions and their derivatives, a vector at a time. */
#ifndef FETTLE_ACTIVATION_H
#define FETTLE_ACTIVATION_H

#include "vector.h"

/** Codes of ops/activation/activation.ts. */
enum { SILU, GELU_TANH, GELU, RELU, TANH, QUICK_GELU };

/** The activation and its derivative; a caller that drops the slope has it compiled away. */
struct activated {
  vfloat value, slope;
};

static inline struct activated silu(vfloat x) {
  const vfloat sigmoid = vsigmoid(x);
  const vfloat value = x * sigmoid;
  return (struct activated){value, sigmoid + value * (1.0f - sigmoid)};
}

static inline struct activated quick_gelu(vfloat x) {
  const float steepness = 1.702f;
  const vfloat sigmoid = vsigmoid(x * steepness);
  const vfloat value = x * sigmoid;
  return (struct activated){value, sigmoid + value * (1.0f - sigmoid) * steepness};
}

/* (1 + tanh u) / 2 = sigmoid 2u: one exponential, and exact where tanh u nears -1. */
static inline struct activated gelu_tanh(vfloat x) {
  const float root = 1.5957691216f; /* 2 sqrt(2 / pi) */
  const vfloat square = x * x;
  const vfloat share = vsigmoid(x * (square * (root * 0.044715f) + root));
  const vfloat value = x * share;
  return (struct activated){value, share + value * (1.0f - share) * (square * (3 * root * 0.044715f) + root)};
}

static inline struct activated gelu(vfloat x) {
  const vfloat share = 0.5f + 0.5f * verf(x * 0.7071067812f);
  const vfloat density = vexp(x * x * -0.5f) * 0.3989422804f; /* 1 / sqrt(2 pi) */
  return (struct activated){x * share, share + x * density};
}

/* In this order the maximum of NaN and 0 is NaN. */
static inline struct activated relu(vfloat x) {
  return (struct activated){vmax(vset(0.0f), x), vselect(x > 0.0f, vset(1.0f), vset(0.0f))};
}

static inline struct activated tanh_of(vfloat x) {
  const vfloat value = vtanh(x);
  return (struct activated){value, 1.0f - value * value};
}

static inline struct activated activate(vfloat x, int activation) {
  return activation == SILU        ? silu(x)
         : activation == GELU_TANH ? gelu_tanh(x)
         : activation == GELU      ? gelu(x)
         : activation == RELU      ? relu(x)
         : activation == TANH      ? tanh_of(x)
                                   : quick_gelu(x);
}

#endif
