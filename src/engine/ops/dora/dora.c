#include <math.h>

#include "fettle.h"

enum { BF16 = 1, PIECE = 512, COLUMNS = 64 };

static float ratio(float value, float norm) { return norm > 0 ? value / norm : 0; }

struct norms {
  float *norms;
  const void *weight;
  const float *a, *b;
  int64_t ldw, inputs, rank;
  float scale;
  int dtype;
};

/** The sum of the squares of one row of W + scale * B * A, a piece of columns at a time. */
static double squares_of(const struct norms *job, int64_t row) {
  float sum[PIECE];
  double squares = 0;
  for (int64_t at = 0; at < job->inputs; at += PIECE) {
    const int64_t count = job->inputs - at < PIECE ? job->inputs - at : PIECE;
    const int64_t from = row * job->ldw + at;
    if (job->dtype == BF16)
      for (int64_t i = 0; i < count; i++) sum[i] = bf16_to_float(((const bf16 *)job->weight)[from + i]);
    else
      memcpy(sum, (const float *)job->weight + from, count * sizeof *sum);
    for (int64_t r = 0; r < job->rank; r++) {
      const float strength = job->scale * job->b[row * job->rank + r];
      const float *a = job->a + r * job->inputs + at;
#pragma GCC ivdep
      for (int64_t i = 0; i < count; i++) sum[i] += strength * a[i];
    }
    for (int64_t i = 0; i < count; i++) squares += (double)sum[i] * sum[i];
  }
  return squares;
}

static void norms_rows(int64_t begin, int64_t end, void *context) {
  const struct norms *job = context;
  for (int64_t row = begin; row < end; row++) job->norms[row] = (float)sqrt(squares_of(job, row));
}

FETTLE_KERNEL(dora_norms) {
  struct norms job = {
      .norms = PTR(float, 0),
      .weight = PTR(const void, 1),
      .ldw = INT(2),
      .dtype = (int)INT(3),
      .a = PTR(const float, 4),
      .b = PTR(const float, 5),
      .scale = (float)NUM(6),
      .inputs = INT(8),
      .rank = INT(9),
  };
  parallel_for(INT(7), 8, norms_rows, &job);
}

struct forward {
  float *y;
  const float *z, *magnitude, *norms, *bias, *start;
  int64_t width;
};

static void forward_rows(int64_t begin, int64_t end, void *context) {
  const struct forward *job = context;
  const int64_t width = job->width;
  for (int64_t row = begin; row < end; row++) {
    const int64_t at = row * width;
    for (int64_t i = 0; i < width; i++) {
      float y = ratio(job->magnitude[i], job->norms[i]) * job->z[at + i];
      if (job->bias) y += job->bias[i];
      if (job->start) y += job->start[at + i];
      job->y[at + i] = y;
    }
  }
}

FETTLE_KERNEL(dora_forward) {
  struct forward job = {PTR(float, 0),       PTR(const float, 1), PTR(const float, 2), PTR(const float, 3),
                        PTR(const float, 4), PTR(const float, 5), INT(7)};
  parallel_for(INT(6), 16, forward_rows, &job);
}

struct backward {
  float *dz, *dmagnitude, *dbias;
  const float *dy, *z, *magnitude, *norms;
  int64_t rows, width;
};

static void backward_columns(int64_t begin, int64_t end, void *context) {
  const struct backward *job = context;
  const int64_t count = end - begin;
  float factor[COLUMNS], products[COLUMNS] = {0}, sums[COLUMNS] = {0};
  for (int64_t i = 0; i < count; i++) factor[i] = ratio(job->magnitude[begin + i], job->norms[begin + i]);
  for (int64_t row = 0; row < job->rows; row++) {
    const float *dy = job->dy + row * job->width + begin, *z = job->z + row * job->width + begin;
    float *dz = job->dz + row * job->width + begin;
#pragma GCC ivdep
    for (int64_t i = 0; i < count; i++) {
      dz[i] = factor[i] * dy[i];
      products[i] += dy[i] * z[i];
      sums[i] += dy[i];
    }
  }
  for (int64_t i = 0; i < count; i++) {
    if (job->dmagnitude) job->dmagnitude[begin + i] += ratio(products[i], job->norms[begin + i]);
    if (job->dbias) job->dbias[begin + i] += sums[i];
  }
}

FETTLE_KERNEL(dora_backward) {
  struct backward job = {
      .dz = PTR(float, 0),
      .dmagnitude = PTR(float, 1),
      .dbias = PTR(float, 2),
      .dy = PTR(const float, 3),
      .z = PTR(const float, 4),
      .magnitude = PTR(const float, 5),
      .norms = PTR(const float, 6),
      .rows = INT(7),
      .width = INT(8),
  };
  parallel_for(job.width, COLUMNS, backward_columns, &job);
}
