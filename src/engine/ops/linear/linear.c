/** Kernels of linear layers; their arguments are declared in linear.ts. Each is one group of products. */
#include "fettle.h"
#include "gemm.h"

struct copy {
  float *to;
  const float *from;
  int64_t ld_to, ld_from, columns;
  float alpha;
};

static void copy_rows(int64_t begin, int64_t end, void *context) {
  const struct copy *c = context;
  for (int64_t i = begin; i < end; i++) {
    float *to = c->to + i * c->ld_to;
    const float *from = c->from + i * c->ld_from;
    for (int64_t j = 0; j < c->columns; j++) to[j] = c->alpha * from[j];
  }
}

static void copy_matrix(const struct copy *c, int64_t rows) {
  parallel_for(rows, 1 + 16384 / (c->columns + 1), copy_rows, (void *)c);
}

FETTLE_KERNEL(linear_copy) {
  struct copy job = {PTR(float, 0), PTR(const float, 2), INT(1), INT(3), INT(5), (float)NUM(6)};
  copy_matrix(&job, INT(4));
}

/** Puts what an output starts from into it; whether there is any. */
static int begin_from(float *output, int64_t ld, const float *start, int64_t ld_start, int64_t rows, int64_t columns) {
  struct copy job = {output, start, ld, ld_start, columns, 1};
  if (start != NULL && start != output) copy_matrix(&job, rows);
  return start != NULL;
}

FETTLE_KERNEL(linear_forward) {
  struct gemm job = {.precision = (int)INT(4), .row_groups = 1, .segments = 1};
  int64_t m = INT(1), k = INT(2), groups = INT(5);
  job.rows[0] = m;
  job.lengths[0] = k;
  job.segment_alpha[0] = 1;
  job.left[0] = (struct operand){PTR(const void, 0), 0, 1, INT(3)};
  args += 6;
  for (int64_t i = 0; i < groups; i++, args += 10) {
    int g = job.column_groups++;
    int accumulate = begin_from(PTR(float, 7), INT(8), PTR(const float, 5), INT(6), m, INT(3));
    job.columns[g] = INT(3);
    job.right[g] = (struct operand){PTR(const void, 0), (int)INT(2), 1, INT(1)};
    job.outputs[g] = (struct gemm_output){PTR(float, 7), INT(8), PTR(const float, 4), (float)NUM(9), accumulate};
    if (job.column_groups == MAX_GROUPS || i == groups - 1) {
      gemm(&job);
      job.column_groups = 0;
    }
  }
}

FETTLE_KERNEL(linear_backward_input) {
  struct gemm job = {.precision = (int)INT(4), .row_groups = 1, .column_groups = 1};
  int64_t m = INT(1), k = INT(2), groups = INT(7);
  int accumulate = begin_from(PTR(float, 0), INT(3), PTR(const float, 5), INT(6), m, k);
  job.rows[0] = m;
  job.columns[0] = k;
  job.outputs[0] = (struct gemm_output){PTR(float, 0), INT(3), NULL, 1, accumulate};
  args += 8;
  for (int64_t i = 0; i < groups; i++, args += 8) {
    int s = job.segments++;
    job.lengths[s] = INT(5);
    job.segment_alpha[s] = (float)NUM(7);
    job.left[s] = (struct operand){PTR(const void, 0), 0, 1, INT(1)};
    job.right[s] = (struct operand){PTR(const void, 2), (int)INT(4), (int)INT(6), INT(3)};
    if (job.segments == MAX_GROUPS || i == groups - 1) {
      gemm(&job);
      job.segments = 0;
      job.outputs[0].accumulate = 1;
    }
  }
}

struct column_sums {
  float *sums;
  const float *from; /* rows, ld apart */
  int64_t rows, ld;
};

static void add_column_sums(int64_t begin, int64_t end, void *context) {
  const struct column_sums *c = context;
  float *sums = scratch((size_t)(end - begin) * sizeof *sums);
  memset(sums, 0, (size_t)(end - begin) * sizeof *sums);
  for (int64_t r = 0; r < c->rows; r++) {
    const float *row = c->from + r * c->ld + begin;
    for (int64_t j = 0; j < end - begin; j++) sums[j] += row[j];
  }
  for (int64_t j = 0; j < end - begin; j++) c->sums[begin + j] += sums[j];
}

FETTLE_KERNEL(linear_backward_weight) {
  struct gemm job = {.precision = (int)INT(4), .column_groups = 1, .segments = 1};
  int64_t m = INT(1), k = INT(2), groups = INT(5);
  job.columns[0] = k;
  job.lengths[0] = m;
  job.segment_alpha[0] = 1;
  job.right[0] = (struct operand){PTR(const void, 0), 0, 0, INT(3)};
  args += 6;
  for (int64_t i = 0; i < groups; i++, args += 6) {
    int64_t ld = INT(1), n = INT(2);
    if (args[3] != 0) {
      int g = job.row_groups++;
      job.rows[g] = n;
      job.left[g] = (struct operand){PTR(const void, 0), 0, 0, ld};
      job.outputs[g] = (struct gemm_output){PTR(float, 3), k, NULL, (float)NUM(5), 1};
    }
    if (args[4] != 0) {
      struct column_sums sums = {PTR(float, 4), PTR(const float, 0), m, ld};
      parallel_for(n, 128, add_column_sums, &sums);
    }
    if (job.row_groups == MAX_GROUPS || i == groups - 1) {
      gemm(&job);
      job.row_groups = 0;
    }
  }
}
