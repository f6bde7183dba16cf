#include "fettle.h"

/** Elements a chunk of rows should hold, and the fewest rows: each chunk costs partial sums of dweight and dbias. */
enum { CHUNK = 16384, CHUNK_ROWS = 16 };

static int64_t rows_per_chunk(int64_t width) {
  int64_t rows = CHUNK / width;
  return rows < CHUNK_ROWS ? CHUNK_ROWS : rows;
}

struct forward {
  float *y, *mean, *rstd;
  const float *x, *weight, *bias;
  int64_t width;
  float eps;
};

static float sum_of(const float *x, int64_t width) {
  vfloat a = {0}, b = {0};
  int64_t i = 0;
  for (; i + 2 * LANES <= width; i += 2 * LANES) a += vload(x + i), b += vload(x + i + LANES);
  for (; i < width; i += LANES) a += vload_upto(x + i, width - i);
  return vsum(a + b);
}

static float sum_of_squares_about(float mean, const float *x, int64_t width) {
  vfloat a = {0}, b = {0};
  int64_t i = 0;
  for (; i + 2 * LANES <= width; i += 2 * LANES) {
    const vfloat u = vload(x + i) - mean, v = vload(x + i + LANES) - mean;
    a += u * u;
    b += v * v;
  }
  float sum = vsum(a + b);
  for (; i < width; i++) sum += (x[i] - mean) * (x[i] - mean);
  return sum;
}

static void forward_rows(int64_t begin, int64_t end, void *context) {
  const struct forward *c = context;
  const int64_t width = c->width;
  for (int64_t row = begin; row < end; row++) {
    const float *x = c->x + row * width;
    float *y = c->y + row * width;
    const float mean = sum_of(x, width) / width;
    const float scale = 1.0f / sqrtf(sum_of_squares_about(mean, x, width) / width + c->eps);
    c->mean[row] = mean;
    c->rstd[row] = scale;
    if (c->bias) {
#pragma GCC ivdep
      for (int64_t i = 0; i < width; i++) y[i] = (x[i] - mean) * scale * c->weight[i] + c->bias[i];
    } else {
#pragma GCC ivdep
      for (int64_t i = 0; i < width; i++) y[i] = (x[i] - mean) * scale * c->weight[i];
    }
  }
}

FETTLE_KERNEL(layernorm_forward) {
  struct forward c = {
      .y = PTR(float, 0),
      .mean = PTR(float, 1),
      .rstd = PTR(float, 2),
      .x = PTR(float, 3),
      .weight = PTR(float, 4),
      .bias = PTR(float, 5),
      .width = INT(7),
      .eps = NUM(8),
  };
  parallel_for(INT(6), rows_per_chunk(c.width), forward_rows, &c);
}

struct backward {
  float *dx, *dweight, *dbias;
  const float *dy, *x, *weight, *mean, *rstd;
  /** Of each chunk of rows: dweight, dbias. */
  float *partials;
  int64_t chunks, width, grain;
};

/** Σ dy·weight, and Σ dy·weight·(x - mean). */
struct share {
  float shift, stretch;
};

static struct share share_of(const struct backward *c, const float *dy, const float *x, float mean) {
  vfloat shift = {0}, stretch = {0};
  for (int64_t i = 0; i < c->width; i += LANES) {
    const int64_t count = c->width - i;
    const vfloat d = vload_upto(dy + i, count) * vload_upto(c->weight + i, count);
    shift += d;
    stretch += d * (vload_upto(x + i, count) - mean);
  }
  return (struct share){vsum(shift), vsum(stretch)};
}

static void backward_rows(int64_t begin, int64_t end, void *context) {
  const struct backward *c = context;
  const int64_t width = c->width;
  float *dweight = NULL, *dbias = NULL;
  if (c->partials) {
    dweight = c->partials + begin / c->grain * 2 * width;
    dbias = dweight + width;
    memset(dweight, 0, 2 * width * sizeof *dweight);
  }
  for (int64_t row = begin; row < end; row++) {
    const float *x = c->x + row * width;
    const float *dy = c->dy + row * width;
    const float mean = c->mean[row], scale = c->rstd[row];
    if (c->partials) {
#pragma GCC ivdep
      for (int64_t i = 0; i < width; i++) {
        dweight[i] += dy[i] * (x[i] - mean) * scale;
        dbias[i] += dy[i];
      }
    }
    if (!c->dx) continue;
    float *dx = c->dx + row * width;
    const struct share share = share_of(c, dy, x, mean);
    const float shift = share.shift * scale / width, stretch = share.stretch * scale * scale * scale / width;
#pragma GCC ivdep
    for (int64_t i = 0; i < width; i++) dx[i] = dy[i] * c->weight[i] * scale - shift - (x[i] - mean) * stretch;
  }
}

static void add_partials(int64_t begin, int64_t end, void *context) {
  const struct backward *c = context;
  for (int64_t chunk = 0; chunk < c->chunks; chunk++) {
    const float *dweight = c->partials + chunk * 2 * c->width, *dbias = dweight + c->width;
    for (int64_t i = begin; c->dweight && i < end; i++) c->dweight[i] += dweight[i];
    for (int64_t i = begin; c->dbias && i < end; i++) c->dbias[i] += dbias[i];
  }
}

FETTLE_KERNEL(layernorm_backward) {
  const int64_t rows = INT(8), width = INT(9), grain = rows_per_chunk(width);
  struct backward c = {
      .dx = PTR(float, 0),
      .dweight = PTR(float, 1),
      .dbias = PTR(float, 2),
      .dy = PTR(float, 3),
      .x = PTR(float, 4),
      .weight = PTR(float, 5),
      .mean = PTR(float, 6),
      .rstd = PTR(float, 7),
      .chunks = (rows + grain - 1) / grain,
      .width = width,
      .grain = grain,
  };
  const int sums = c.dweight || c.dbias;
  if (sums) c.partials = shared_scratch(c.chunks * 2 * width * sizeof(float));
  parallel_for(rows, grain, backward_rows, &c);
  if (sums) parallel_for(width, 256, add_partials, &c);
}
