#include "fettle.h"

/* Part of the result: another chunk adds in another order. */
enum { BF16 = 1, CHUNK = 1 << 16, ACCUMULATORS = 32, PIECE = 256 };

struct sum_squares {
  const void *x;
  int dtype;
  double *partial; /* one a chunk */
};

static void add_squares(double *sums, const float *x, int64_t count) {
  int64_t i = 0;
  for (; i + ACCUMULATORS <= count; i += ACCUMULATORS)
    for (int lane = 0; lane < ACCUMULATORS; lane++) {
      double value = x[i + lane];
      sums[lane] += value * value;
    }
  for (int lane = 0; i < count; i++, lane++) {
    double value = x[i];
    sums[lane] += value * value;
  }
}

static void sum_squares_chunk(int64_t begin, int64_t end, void *context) {
  const struct sum_squares *job = context;
  double sums[ACCUMULATORS] = {0};
  if (job->dtype == BF16) {
    float wide[PIECE];
    for (int64_t at = begin; at < end; at += PIECE) {
      int64_t count = end - at < PIECE ? end - at : PIECE;
      for (int64_t i = 0; i < count; i++) wide[i] = bf16_to_float(((const bf16 *)job->x)[at + i]);
      add_squares(sums, wide, count);
    }
  } else {
    add_squares(sums, (const float *)job->x + begin, end - begin);
  }
  double sum = 0;
  for (int lane = 0; lane < ACCUMULATORS; lane++) sum += sums[lane];
  job->partial[begin / CHUNK] = sum;
}

FETTLE_KERNEL(sum_squares) {
  int64_t length = INT(4);
  int64_t chunks = (length + CHUNK - 1) / CHUNK;
  struct sum_squares job = {PTR(const void, 2), (int)INT(3), shared_scratch((size_t)chunks * sizeof(double))};
  parallel_for(length, CHUNK, sum_squares_chunk, &job);
  double sum = 0;
  for (int64_t chunk = 0; chunk < chunks; chunk++) sum += job.partial[chunk];
  PTR(float, 0)[INT(1)] = (float)sum;
}
