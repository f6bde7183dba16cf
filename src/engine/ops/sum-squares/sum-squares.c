#include "fettle.h"

/* Part of the result: another chunk adds in another order. */
enum { CHUNK = 1 << 16, ACCUMULATORS = 32 };

struct sum_squares {
  const float *x;
  double *partial; /* one a chunk */
};

static void sum_squares_chunk(int64_t begin, int64_t end, void *context) {
  const struct sum_squares *job = context;
  const float *x = job->x;
  double sums[ACCUMULATORS] = {0};
  int64_t i = begin;
  for (; i + ACCUMULATORS <= end; i += ACCUMULATORS)
    for (int lane = 0; lane < ACCUMULATORS; lane++) {
      double value = x[i + lane];
      sums[lane] += value * value;
    }
  for (int lane = 0; i < end; i++, lane++) {
    double value = x[i];
    sums[lane] += value * value;
  }
  double sum = 0;
  for (int lane = 0; lane < ACCUMULATORS; lane++) sum += sums[lane];
  job->partial[begin / CHUNK] = sum;
}

FETTLE_KERNEL(sum_squares) {
  int64_t length = INT(3);
  int64_t chunks = (length + CHUNK - 1) / CHUNK;
  struct sum_squares job = {PTR(const float, 2), shared_scratch((size_t)chunks * sizeof(double))};
  parallel_for(length, CHUNK, sum_squares_chunk, &job);
  double sum = 0;
  for (int64_t chunk = 0; chunk < chunks; chunk++) sum += job.partial[chunk];
  PTR(float, 0)[INT(1)] = (float)sum;
}
