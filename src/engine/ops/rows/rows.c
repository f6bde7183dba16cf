#include "fettle.h"

enum { F32, BF16 };

struct gather {
  float *y;
  const void *x;
  const int32_t *index;
  int64_t width;
  float scale;
  int dtype;
};

static void gather_range(int64_t begin, int64_t end, void *context) {
  const struct gather *c = context;
  const int64_t width = c->width;
  for (int64_t row = begin; row < end; row++) {
    float *y = c->y + row * width;
    const int64_t from = c->index[row] * width;
    if (c->dtype == BF16) {
      const bf16 *x = (const bf16 *)c->x + from;
#pragma GCC ivdep
      for (int64_t i = 0; i < width; i++) y[i] = c->scale * bf16_to_float(x[i]);
    } else {
      const float *x = (const float *)c->x + from;
#pragma GCC ivdep
      for (int64_t i = 0; i < width; i++) y[i] = c->scale * x[i];
    }
  }
}

FETTLE_KERNEL(gather_rows) {
  struct gather c = {PTR(float, 0), PTR(void, 1), PTR(int32_t, 3), INT(5), NUM(6), INT(2)};
  const int64_t grain = 16384 / c.width;
  parallel_for(INT(4), grain > 1 ? grain : 1, gather_range, &c);
}

struct scatter {
  float *dx;
  const float *dy;
  const int32_t *index;
  int64_t count, width;
  float scale;
};

/* Split by columns: rows that meet in one place are added by one thread, in order. */
static void scatter_columns(int64_t begin, int64_t end, void *context) {
  const struct scatter *c = context;
  for (int64_t row = 0; row < c->count; row++) {
    const float *dy = c->dy + row * c->width;
    float *dx = c->dx + c->index[row] * c->width;
#pragma GCC ivdep
    for (int64_t i = begin; i < end; i++) dx[i] += c->scale * dy[i];
  }
}

FETTLE_KERNEL(scatter_rows) {
  struct scatter c = {PTR(float, 0), PTR(float, 1), PTR(int32_t, 2), INT(3), INT(4), NUM(5)};
  parallel_for(c.width, 64, scatter_columns, &c);
}
