#include "fettle.h"

/** Elements a chunk of rows should hold, and the fewest rows: each chunk costs a partial sum of dweight. */
enum { CHUNK = 16384, CHUNK_ROWS = 16 };

static int64_t rows_per_chunk(int64_t width) {
  int64_t rows = CHUNK / width;
  return rows < CHUNK_ROWS ? CHUNK_ROWS : rows;
}

struct forward {
  float *y, *rstd;
  const float *x, *weight;
  int64_t width;
  float eps, offset;
};

static float sum_of_squares(const float *x, int64_t width) {
  vfloat a = {0}, b = {0};
  int64_t i = 0;
  for (; i + 2 * LANES <= width; i += 2 * LANES) {
    vfloat u = vload(x + i), v = vload(x + i + LANES);
    a += u * u;
    b += v * v;
  }
  for (; i < width; i += LANES) {
    vfloat u = i + LANES <= width ? vload(x + i) : vload_part(x + i, width - i);
    a += u * u;
  }
  return vsum(a + b);
}

static void forward_rows(int64_t begin, int64_t end, void *context) {
  const struct forward *c = context;
  const int64_t width = c->width;
  for (int64_t row = begin; row < end; row++) {
    const float *x = c->x + row * width;
    float *y = c->y + row * width;
    const float scale = 1.0f / sqrtf(sum_of_squares(x, width) / width + c->eps);
    c->rstd[row] = scale;
#pragma GCC ivdep
    for (int64_t i = 0; i < width; i++) y[i] = x[i] * scale * (c->weight[i] + c->offset);
  }
}

FETTLE_KERNEL(rmsnorm_forward) {
  struct forward c = {PTR(float, 0), PTR(float, 1), PTR(float, 2), PTR(float, 3), INT(5), NUM(6), NUM(7)};
  parallel_for(INT(4), rows_per_chunk(c.width), forward_rows, &c);
}

struct backward {
  float *dx, *dweight, *partials;
  const float *dy, *x, *weight, *rstd;
  int64_t chunks, width, grain;
  float offset;
};

static float projection_on(const struct backward *c, const float *dy, const float *x) {
  const int64_t width = c->width;
  vfloat a = {0}, b = {0};
  int64_t i = 0;
  for (; i + 2 * LANES <= width; i += 2 * LANES) {
    a += vload(dy + i) * (vload(c->weight + i) + c->offset) * vload(x + i);
    b += vload(dy + i + LANES) * (vload(c->weight + i + LANES) + c->offset) * vload(x + i + LANES);
  }
  for (; i < width; i += LANES) {
    const int64_t count = width - i < LANES ? width - i : LANES;
    a += vload_part(dy + i, count) * (vload_part(c->weight + i, count) + c->offset) * vload_part(x + i, count);
  }
  return vsum(a + b);
}

static void backward_rows(int64_t begin, int64_t end, void *context) {
  const struct backward *c = context;
  const int64_t width = c->width;
  float *partial = c->partials + begin / c->grain * width;
  if (c->dweight) memset(partial, 0, width * sizeof *partial);
  for (int64_t row = begin; row < end; row++) {
    const float *x = c->x + row * width;
    const float *dy = c->dy + row * width;
    const float scale = c->rstd[row];
    if (c->dweight) {
#pragma GCC ivdep
      for (int64_t i = 0; i < width; i++) partial[i] += dy[i] * x[i] * scale;
    }
    if (!c->dx) continue;
    float *dx = c->dx + row * width;
    const float shared = projection_on(c, dy, x) * scale * scale * scale / width;
#pragma GCC ivdep
    for (int64_t i = 0; i < width; i++) dx[i] = dy[i] * (c->weight[i] + c->offset) * scale - x[i] * shared;
  }
}

static void add_partials(int64_t begin, int64_t end, void *context) {
  const struct backward *c = context;
  for (int64_t chunk = 0; chunk < c->chunks; chunk++) {
    const float *partial = c->partials + chunk * c->width;
#pragma GCC ivdep
    for (int64_t i = begin; i < end; i++) c->dweight[i] += partial[i];
  }
}

FETTLE_KERNEL(rmsnorm_backward) {
  const int64_t rows = INT(6), width = INT(7), grain = rows_per_chunk(width);
  struct backward c = {
      .dx = PTR(float, 0),
      .dweight = PTR(float, 1),
      .dy = PTR(float, 2),
      .x = PTR(float, 3),
      .weight = PTR(float, 4),
      .rstd = PTR(float, 5),
      .chunks = (rows + grain - 1) / grain,
      .width = width,
      .grain = grain,
      .offset = NUM(8),
  };
  if (c.dweight) c.partials = shared_scratch(c.chunks * width * sizeof(float));
  parallel_for(rows, grain, backward_rows, &c);
  if (c.dweight) parallel_for(width, 256, add_partials, &c);
}
