#include "fettle.h"

struct add {
  float *y;
  const float *a, *b;
};

static void add_range(int64_t begin, int64_t end, void *context) {
  const struct add *c = context;
#pragma GCC ivdep
  for (int64_t i = begin; i < end; i++) c->y[i] = c->a[i] + c->b[i];
}

FETTLE_KERNEL(add) {
  struct add c = {PTR(float, 0), PTR(float, 1), PTR(float, 2)};
  parallel_for(INT(3), 16384, add_range, &c);
}
