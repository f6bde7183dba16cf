#include "fettle.h"

struct rope {
  float *y;
  const float *x, *cos, *sin;
  int64_t heads, head_dim;
  float sign;
};

static void rope_tokens(int64_t begin, int64_t end, void *context) {
  const struct rope *c = context;
  const int64_t half = c->head_dim / 2;
  for (int64_t token = begin; token < end; token++) {
    const float *cos = c->cos + token * half;
    const float *sin = c->sin + token * half;
    for (int64_t head = 0; head < c->heads; head++) {
      const float *x = c->x + (token * c->heads + head) * c->head_dim;
      float *y = c->y + (token * c->heads + head) * c->head_dim;
#pragma GCC ivdep
      for (int64_t i = 0; i < half; i++) {
        const float sine = c->sign * sin[i];
        const float first = x[i], second = x[i + half];
        y[i] = first * cos[i] - second * sine;
        y[i + half] = second * cos[i] + first * sine;
      }
    }
  }
}

FETTLE_KERNEL(rope) {
  struct rope c = {PTR(float, 0), PTR(float, 1), PTR(float, 2), PTR(float, 3), INT(5), INT(6), NUM(7)};
  const int64_t grain = 16384 / (c.heads * c.head_dim);
  parallel_for(INT(4), grain > 1 ? grain : 1, rope_tokens, &c);
}
