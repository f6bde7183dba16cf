#include "fettle.h"

struct scale {
  float *x, factor;
};

static void scale_range(int64_t begin, int64_t end, void *context) {
  const struct scale job = *(struct scale *)context;
#pragma GCC ivdep
  for (int64_t i = begin; i < end; i++) job.x[i] *= job.factor;
}

FETTLE_KERNEL(scale) {
  struct scale job = {PTR(float, 0), (float)NUM(2)};
  parallel_for(INT(1), 1 << 16, scale_range, &job);
}
