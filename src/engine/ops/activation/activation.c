#include "activation.h"
#include "fettle.h"

struct job {
  float *to;
  const float *dy, *x;
  int activation;
};

/* Always inlined, so that each activation gets a loop of its own. */
static inline __attribute__((always_inline)) void forward(const struct job *c, int64_t begin, int64_t end,
                                                          int activation) {
  for (int64_t i = begin; i < end; i += LANES) {
    const int64_t count = end - i;
    vstore_upto(c->to + i, activate(vload_upto(c->x + i, count), activation).value, count);
  }
}

static inline __attribute__((always_inline)) void backward(const struct job *c, int64_t begin, int64_t end,
                                                           int activation) {
  for (int64_t i = begin; i < end; i += LANES) {
    const int64_t count = end - i;
    const vfloat slope = activate(vload_upto(c->x + i, count), activation).slope;
    vstore_upto(c->to + i, vload_upto(c->dy + i, count) * slope, count);
  }
}

static void forward_range(int64_t begin, int64_t end, void *context) {
  const struct job *c = context;
  if (c->activation == SILU) forward(c, begin, end, SILU);
  else if (c->activation == GELU_TANH) forward(c, begin, end, GELU_TANH);
  else if (c->activation == GELU) forward(c, begin, end, GELU);
  else if (c->activation == RELU) forward(c, begin, end, RELU);
  else if (c->activation == TANH) forward(c, begin, end, TANH);
  else forward(c, begin, end, QUICK_GELU);
}

static void backward_range(int64_t begin, int64_t end, void *context) {
  const struct job *c = context;
  if (c->activation == SILU) backward(c, begin, end, SILU);
  else if (c->activation == GELU_TANH) backward(c, begin, end, GELU_TANH);
  else if (c->activation == GELU) backward(c, begin, end, GELU);
  else if (c->activation == RELU) backward(c, begin, end, RELU);
  else if (c->activation == TANH) backward(c, begin, end, TANH);
  else backward(c, begin, end, QUICK_GELU);
}

enum { GRAIN = 8192 };

FETTLE_KERNEL(activation_forward) {
  struct job c = {.to = PTR(float, 0), .x = PTR(float, 1), .activation = INT(3)};
  parallel_for(INT(2), GRAIN, forward_range, &c);
}

FETTLE_KERNEL(activation_backward) {
  struct job c = {.to = PTR(float, 0), .dy = PTR(float, 1), .x = PTR(float, 2), .activation = INT(4)};
  parallel_for(INT(3), GRAIN, backward_range, &c);
}
