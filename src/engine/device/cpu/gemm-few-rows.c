/** Products of one to four rows, as in generation: each row of the weight is read once and multiplied in passing. */
#include "gemm.h"

enum {
  /** Columns of C at a time: enough sums to hide the latency of additions, few enough for the registers. */
  COLUMNS = 4,
};

struct few_rows {
  const struct gemm *job;
  const float *x; /* [rows, padded length], rounded if the precision asks for it, zeros behind */
  int64_t padded;
};

static inline __attribute__((always_inline)) vfloat load_weight(const void *row, int64_t at, int64_t count,
                                                                const int is_bf16, const int round) {
  if (is_bf16) return count == LANES ? vload_bf16((const bf16 *)row + at) : vload_bf16_part((const bf16 *)row + at, count);
  vfloat value = count == LANES ? vload((const float *)row + at) : vload_part((const float *)row + at, count);
  return round ? vround_bf16(value) : value;
}

/** sums [rows][COLUMNS] of x times `columns` rows of the weight, which follow each other at `stride` bytes. */
static inline __attribute__((always_inline)) void dot_rows(float *sums, const struct few_rows *c, const char *weight,
                                                           int64_t stride, const int rows, const int columns,
                                                           const int is_bf16, const int round) {
  int64_t length = c->job->lengths[0];
  vfloat sum[FEW_ROWS][COLUMNS];
  for (int r = 0; r < rows; r++)
    for (int j = 0; j < columns; j++) sum[r][j] = vset(0);
  for (int64_t at = 0; at < length; at += LANES) {
    int64_t count = length - at < LANES ? length - at : LANES;
    vfloat column[COLUMNS];
    for (int j = 0; j < columns; j++) column[j] = load_weight(weight + j * stride, at, count, is_bf16, round);
    for (int r = 0; r < rows; r++) {
      vfloat x = vload(c->x + r * c->padded + at);
      for (int j = 0; j < columns; j++) sum[r][j] += x * column[j];
    }
  }
  for (int r = 0; r < rows; r++)
    for (int j = 0; j < columns; j++) sums[r * COLUMNS + j] = vsum(sum[r][j]);
}

/** The same where the number of rows, and whether there are fewer than COLUMNS columns, is known when it runs. */
static inline __attribute__((always_inline)) void dot(float *sums, const struct few_rows *c, const char *weight,
                                                      int64_t stride, int columns, const int is_bf16,
                                                      const int round) {
  const int together = columns == COLUMNS ? COLUMNS : 1;
  for (int j = 0; j < columns; j += together, weight += together * stride) {
    switch (c->job->rows[0] * COLUMNS + together) {
#define CASE(rows, columns)                                                   \
  case rows * COLUMNS + columns:                                              \
    dot_rows(sums + j, c, weight, stride, rows, columns, is_bf16, round);     \
    break;
      CASE(1, 1)
      CASE(2, 1)
      CASE(3, 1)
      CASE(4, 1)
      CASE(1, COLUMNS)
      CASE(2, COLUMNS)
      CASE(3, COLUMNS)
      CASE(4, COLUMNS)
#undef CASE
    }
  }
}

static void multiply_columns(int64_t begin, int64_t end, void *context) {
  const struct few_rows *c = context;
  const struct gemm *job = c->job;
  int group = 0;
  for (; begin >= job->columns[group]; group++) {
    begin -= job->columns[group];
    end -= job->columns[group];
  }
  while (begin < end) {
    const struct operand *weight = &job->right[group];
    const struct gemm_output *output = &job->outputs[group];
    int64_t stop = end < job->columns[group] ? end : job->columns[group];
    int64_t stride = weight->stride * (weight->is_bf16 ? 2 : 4);
    for (int64_t at = begin; at < stop; at += COLUMNS) {
      int columns = stop - at < COLUMNS ? (int)(stop - at) : COLUMNS;
      const char *rows = (const char *)weight->data + at * stride;
      float sums[FEW_ROWS * COLUMNS];
      if (weight->is_bf16) dot(sums, c, rows, stride, columns, 1, 0);
      else if (job->precision) dot(sums, c, rows, stride, columns, 0, 1);
      else dot(sums, c, rows, stride, columns, 0, 0);
      for (int64_t r = 0; r < job->rows[0]; r++) {
        for (int j = 0; j < columns; j++) {
          float *y = &output->data[r * output->stride + at + j];
          float value = output->alpha * sums[r * COLUMNS + j];
          if (output->bias) value += output->bias[at + j];
          *y = output->accumulate ? *y + value : value;
        }
      }
    }
    end -= job->columns[group];
    begin = 0;
    group++;
  }
}

void gemm_few_rows(const struct gemm *job) {
  struct few_rows c = {.job = job};
  const struct operand *left = &job->left[0];
  int64_t rows = job->rows[0], length = job->lengths[0], columns = 0;
  for (int g = 0; g < job->column_groups; g++) columns += job->columns[g];
  c.padded = (length + LANES - 1) / LANES * LANES;
  float *x = shared_scratch((size_t)(rows * c.padded) * sizeof *x);
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t t = 0; t < c.padded; t++) {
      float value = 0;
      if (t < length) {
        value = left->is_bf16 ? bf16_to_float(((const bf16 *)left->data)[r * left->stride + t])
                              : ((const float *)left->data)[r * left->stride + t];
      }
      x[r * c.padded + t] = job->precision ? bf16_to_float(bf16_from_float(value)) : value;
    }
  }
  c.x = x;
  /* Chunks of about 64 KiB of weights, whole multiples of COLUMNS. */
  int64_t grain = 16384 / (length > 1 ? length : 1) / COLUMNS * COLUMNS;
  parallel_for(columns, grain > COLUMNS ? grain : COLUMNS, multiply_columns, &c);
}
