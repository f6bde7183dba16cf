/** Tiles of 32 x 32, so that both sides are read and written in whole cache lines. f32 only: bf16 weights are transposed on CUDA alone. */
#include "fettle.h"

enum { EDGE = 32 };

struct transpose {
  float *to;
  const float *from;
  int64_t ld_to, ld_from, rows, columns;
};

static void transpose_rows(int64_t begin, int64_t end, void *context) {
  const struct transpose *t = context;
  for (int64_t top = begin * EDGE; top < end * EDGE && top < t->rows; top += EDGE) {
    int64_t bottom = top + EDGE < t->rows ? top + EDGE : t->rows;
    for (int64_t left = 0; left < t->columns; left += EDGE) {
      int64_t right = left + EDGE < t->columns ? left + EDGE : t->columns;
      for (int64_t j = left; j < right; j++)
        for (int64_t i = top; i < bottom; i++) t->to[j * t->ld_to + i] = t->from[i * t->ld_from + j];
    }
  }
}

FETTLE_KERNEL(transpose) {
  struct transpose job = {PTR(float, 0), PTR(const float, 2), INT(1), INT(3), INT(4), INT(5)};
  parallel_for((job.rows + EDGE - 1) / EDGE, 1, transpose_rows, &job);
}
