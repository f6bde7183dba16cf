/** Kernels of linear layers; their arguments are declared in linear.ts. Each is one group of products. */
#include "fettle.h"
#include "gemm.h"

FETTLE_KERNEL(linear_forward) {
  struct gemm job = {.precision = (int)INT(4), .row_groups = 1, .segments = 1};
  int64_t m = INT(1), k = INT(2), groups = INT(5);
  job.rows[0] = m;
  job.lengths[0] = k;
  job.segment_alpha[0] = 1;
  job.left[0] = (struct operand){PTR(const void, 0), 0, 1, INT(3)};
  args += 6;
  for (int64_t i = 0; i < groups; i++, args += 8) {
    int g = job.column_groups++;
    job.columns[g] = INT(2);
    job.right[g] = (struct operand){PTR(const void, 0), (int)INT(1), 1, k};
    job.outputs[g] = (struct gemm_output){PTR(float, 4), INT(5), PTR(const float, 3), (float)NUM(7), (int)INT(6)};
    if (job.column_groups == MAX_GROUPS || i == groups - 1) {
      gemm(&job);
      job.column_groups = 0;
    }
  }
}

FETTLE_KERNEL(linear_backward_input) {
  struct gemm job = {.precision = (int)INT(4), .row_groups = 1, .column_groups = 1};
  int64_t m = INT(1), k = INT(2), groups = INT(6);
  job.rows[0] = m;
  job.columns[0] = k;
  job.outputs[0] = (struct gemm_output){PTR(float, 0), INT(3), NULL, 1, (int)INT(5)};
  args += 7;
  for (int64_t i = 0; i < groups; i++, args += 6) {
    int s = job.segments++;
    job.lengths[s] = INT(4);
    job.segment_alpha[s] = (float)NUM(5);
    job.left[s] = (struct operand){PTR(const void, 0), 0, 1, INT(1)};
    job.right[s] = (struct operand){PTR(const void, 2), (int)INT(3), 0, k};
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
