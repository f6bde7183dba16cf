#include "fettle.h"

typedef struct {
  float *y, *rstd;
  const float *x, *weight;
  int64_t width;
  float eps, offset;
} forward_context;

static void forward_rows(int64_t begin, int64_t end, void *context) {
  const forward_context *c = context;
  for (int64_t row = begin; row < end; row++) {
    const float *x = c->x + row * c->width;
    float *y = c->y + row * c->width;
    float squares = 0;
#pragma GCC ivdep
    for (int64_t i = 0; i < c->width; i++) squares += x[i] * x[i];
    const float scale = 1.0f / sqrtf(squares / c->width + c->eps);
    c->rstd[row] = scale;
    for (int64_t i = 0; i < c->width; i++) y[i] = x[i] * scale * (c->weight[i] + c->offset);
  }
}

FETTLE_KERNEL(rmsnorm_forward) {
  forward_context c = {PTR(float, 0), PTR(float, 1), PTR(float, 2), PTR(float, 3), INT(5), NUM(6), NUM(7)};
  parallel_for(INT(4), 16, forward_rows, &c);
}
