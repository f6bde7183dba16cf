#include "fettle.h"

enum { SILU, GELU_TANH, GELU };

/** The activation and its derivative; a caller that drops the slope has it compiled away. */
struct activated {
  vfloat value, slope;
};

static inline struct activated silu(vfloat x) {
  const vfloat sigmoid = vsigmoid(x);
  const vfloat value = x * sigmoid;
  return (struct activated){value, sigmoid + value * (1.0f - sigmoid)};
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

struct gated {
  float *y, *dgate, *dup;
  const float *gate, *up, *dy;
  int activation;
};

static inline struct activated activate(vfloat x, int activation) {
  return activation == SILU ? silu(x) : activation == GELU_TANH ? gelu_tanh(x) : gelu(x);
}

static inline vfloat load(const float *from, int64_t count) {
  return count >= LANES ? vload(from) : vload_part(from, count);
}

static inline void store(float *to, vfloat value, int64_t count) {
  if (count >= LANES) vstore(to, value);
  else vstore_part(to, value, count);
}

/* Always inlined, so that each activation gets a loop of its own. */
static inline __attribute__((always_inline)) void forward(const struct gated *c, int64_t begin, int64_t end,
                                                          int activation) {
  for (int64_t i = begin; i < end; i += LANES) {
    const int64_t count = end - i;
    store(c->y + i, activate(load(c->gate + i, count), activation).value * load(c->up + i, count), count);
  }
}

static inline __attribute__((always_inline)) void backward(const struct gated *c, int64_t begin, int64_t end,
                                                           int activation) {
  for (int64_t i = begin; i < end; i += LANES) {
    const int64_t count = end - i;
    const struct activated a = activate(load(c->gate + i, count), activation);
    const vfloat dy = load(c->dy + i, count);
    store(c->dgate + i, dy * load(c->up + i, count) * a.slope, count);
    store(c->dup + i, dy * a.value, count);
  }
}

static void forward_range(int64_t begin, int64_t end, void *context) {
  const struct gated *c = context;
  if (c->activation == SILU) forward(c, begin, end, SILU);
  else if (c->activation == GELU_TANH) forward(c, begin, end, GELU_TANH);
  else forward(c, begin, end, GELU);
}

static void backward_range(int64_t begin, int64_t end, void *context) {
  const struct gated *c = context;
  if (c->activation == SILU) backward(c, begin, end, SILU);
  else if (c->activation == GELU_TANH) backward(c, begin, end, GELU_TANH);
  else backward(c, begin, end, GELU);
}

enum { GRAIN = 8192 };

FETTLE_KERNEL(gated_forward) {
  struct gated c = {.y = PTR(float, 0), .gate = PTR(float, 1), .up = PTR(float, 2), .activation = INT(4)};
  parallel_for(INT(3), GRAIN, forward_range, &c);
}

FETTLE_KERNEL(gated_backward) {
  struct gated c = {
      .dgate = PTR(float, 0),
      .dup = PTR(float, 1),
      .dy = PTR(float, 2),
      .gate = PTR(float, 3),
      .up = PTR(float, 4),
      .activation = INT(6),
  };
  parallel_for(INT(5), GRAIN, backward_range, &c);
}
