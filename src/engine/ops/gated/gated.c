#include "activation.h"
#include "fettle.h"

struct gated {
  float *y, *dgate, *dup;
  const float *gate, *up, *dy;
  int activation;
};

/* Always inlined, so that each activation gets a loop of its own. */
static inline __attribute__((always_inline)) void forward(const struct gated *c, int64_t begin, int64_t end,
                                                          int activation) {
  for (int64_t i = begin; i < end; i += LANES) {
    const int64_t count = end - i;
    vstore_upto(c->y + i, activate(vload_upto(c->gate + i, count), activation).value * vload_upto(c->up + i, count), count);
  }
}

static inline __attribute__((always_inline)) void backward(const struct gated *c, int64_t begin, int64_t end,
                                                           int activation) {
  for (int64_t i = begin; i < end; i += LANES) {
    const int64_t count = end - i;
    const struct activated a = activate(vload_upto(c->gate + i, count), activation);
    const vfloat dy = vload_upto(c->dy + i, count);
    vstore_upto(c->dgate + i, dy * vload_upto(c->up + i, count) * a.slope, count);
    vstore_upto(c->dup + i, dy * a.value, count);
  }
}

static void forward_range(int64_t begin, int64_t end, void *context) {
  const struct gated *c = context;
  if (c->activation == SILU) forward(c, begin, end, SILU);
  else if (c->activation == GELU_TANH) forward(c, begin, end, GELU_TANH);
  else if (c->activation == GELU) forward(c, begin, end, GELU);
  else if (c->activation == RELU) forward(c, begin, end, RELU);
  else if (c->activation == TANH) forward(c, begin, end, TANH);
  else forward(c, begin, end, QUICK_GELU);
}

static void backward_range(int64_t begin, int64_t end, void *context) {
  const struct gated *c = context;
  if (c->activation == SILU) backward(c, begin, end, SILU);
  else if (c->activation == GELU_TANH) backward(c, begin, end, GELU_TANH);
  else if (c->activation == GELU) backward(c, begin, end, GELU);
  else if (c->activation == RELU) backward(c, begin, end, RELU);
  else if (c->activation == TANH) backward(c, begin, end, TANH);
  else backward(c, begin, end, QUICK_GELU);
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
