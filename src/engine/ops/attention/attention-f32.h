/** Attention in f32: products by register tiles of a few broadcast elements times two vectors. */
#ifndef ATTENTION_F32_H
#define ATTENTION_F32_H

#include "attention-layout.h"

#if defined(__AVX512F__) || defined(__aarch64__)
enum { TILE = 8 };
#else
enum { TILE = 4 };
#endif

/** c[i][j] (+)= sum over l of a[i * a_row + l * a_depth] * b[l][j] for `rows` i and `vectors` times LANES j. */
static inline __attribute__((always_inline)) void tile(float *c, int64_t c_row, const float *a, int64_t a_row,
                                                       int64_t a_depth, const float *b, int64_t b_row, int64_t depth,
                                                       int add, const int rows, const int vectors) {
  vfloat sum[TILE][2];
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int j = 0; j < vectors; j++) sum[i][j] = add ? vload(c + i * c_row + j * LANES) : vset(0.0f);
  for (int64_t l = 0; l < depth; l++) {
    vfloat right[2];
#pragma GCC unroll 2
    for (int j = 0; j < vectors; j++) right[j] = vload(b + l * b_row + j * LANES);
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
      /* One broadcast: x - 0 is x for every x, while 0 + x, which turns -0 into 0, would have to be computed. */
      const vfloat left = a[i * a_row + l * a_depth] - (vfloat){0};
#pragma GCC unroll 2
      for (int j = 0; j < vectors; j++) sum[i][j] += left * right[j];
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int j = 0; j < vectors; j++) vstore(c + i * c_row + j * LANES, sum[i][j]);
}

/** c [rows][columns] (+)= a · b, where a[i][l] is at i * a_row + l * a_depth; columns is a multiple of LANES. */
static void product(float *c, int64_t c_row, const float *a, int64_t a_row, int64_t a_depth, const float *b,
                    int64_t b_row, int64_t rows, int64_t columns, int64_t depth, int add) {
  for (int64_t j = 0; j < columns; j += 2 * LANES) {
    const int two = columns - j >= 2 * LANES;
    int64_t i = 0;
    for (; i + TILE <= rows; i += TILE) {
      if (two) tile(c + i * c_row + j, c_row, a + i * a_row, a_row, a_depth, b + j, b_row, depth, add, TILE, 2);
      else tile(c + i * c_row + j, c_row, a + i * a_row, a_row, a_depth, b + j, b_row, depth, add, TILE, 1);
    }
    for (; i < rows; i++) {
      if (two) tile(c + i * c_row + j, c_row, a + i * a_row, a_row, a_depth, b + j, b_row, depth, add, 1, 2);
      else tile(c + i * c_row + j, c_row, a + i * a_row, a_row, a_depth, b + j, b_row, depth, add, 1, 1);
    }
  }
}

/** Scores [key - range.begin][ROWS] in base 2 from q [dim][ROWS]; -infinity where hidden. */
static void score(const struct attention *a, const struct row_block *rows, struct key_range range, const float *q,
                  float *scores) {
  const int64_t keys = range.end - range.begin, stride = a->kv_heads * a->dim;
  const float *k = a->k + range.begin * stride + rows->kv_head * a->dim;
  product(scores, ROWS, k, stride, 1, q, ROWS, keys, round_up(rows->count, LANES), a->dim, 0);
  if (a->cap > 0) {
    for (int64_t i = 0; i < keys * ROWS; i += LANES) vstore(scores + i, a->cap * vtanh(vload(scores + i)));
  }
  if (range.holes) hide(a, rows, range, scores);
}

/** Running maximum and sum of the softmax of each row. */
struct softmax {
  float maximum[ROWS], sum[ROWS];
};

/** Scores become weights relative to the new maximum, to which `sums` [dim][ROWS] of earlier keys are brought too. */
static void weigh(struct softmax *softmax, float *scores, int64_t keys, float *sums, int64_t dim, int64_t lane) {
  vfloat maximum = vload(softmax->maximum + lane);
  const vfloat before = maximum;
  for (int64_t key = 0; key < keys; key++) maximum = vmax(maximum, vload(scores + key * ROWS + lane));
  vstore(softmax->maximum + lane, maximum);
  /* A row that has seen nothing yet has maximum -infinity; any finite base will do for it. */
  const vfloat base = vselect(maximum == -INFINITY, vset(0.0f), maximum);
  const vfloat shrink = exp2_down(before - base);
  vfloat sum = vload(softmax->sum + lane) * shrink;
  for (int64_t key = 0; key < keys; key++) {
    const vfloat weight = exp2_down(vload(scores + key * ROWS + lane) - base);
    vstore(scores + key * ROWS + lane, weight);
    sum += weight;
  }
  vstore(softmax->sum + lane, sum);
  for (int64_t i = 0; i < dim; i++) vstore(sums + i * ROWS + lane, vload(sums + i * ROWS + lane) * shrink);
}

static int64_t space_f32(const struct attention *a) {
  return (5 * a->width + 2 * a->block_keys) * ROWS * (int64_t)sizeof(float);
}

static void forward_f32(const struct attention *a, const struct row_block *rows, const struct row_block *next,
                        float *out, float *lse, void *space) {
  const int64_t width = a->width, lanes = round_up(rows->count, LANES), stride = a->kv_heads * a->dim;
  float *q = space, *sums = q + width * ROWS, *by_row = sums + width * ROWS, *scores = by_row + width * ROWS;
  struct softmax softmax;
  prefetch_rows(a, rows, out, 0, 1);
  if (next != NULL) prefetch_rows(a, next, a->q, 0, 1);
  gather(a, rows, a->q, a->q_factor, by_row);
  transpose(q, ROWS, by_row, width, ROWS, width, NULL);
  memset(sums, 0, (size_t)(width * ROWS) * sizeof(float));
  for (int64_t i = 0; i < ROWS; i++) softmax.maximum[i] = -INFINITY, softmax.sum[i] = 0;

  struct key_range range;
  for (int64_t block = 0; next_visible(a, rows, &block, &range); block++) {
    const int64_t keys = range.end - range.begin;
    score(a, rows, range, q, scores);
    for (int64_t lane = 0; lane < lanes; lane += LANES) weigh(&softmax, scores, keys, sums, a->dim, lane);
    const float *v = a->v + range.begin * stride + rows->kv_head * a->dim;
    product(sums, ROWS, v, 1, stride, scores, ROWS, a->dim, lanes, keys, 1);
  }

  float inverse[ROWS];
  for (int64_t i = 0; i < ROWS; i++) inverse[i] = softmax.sum[i] > 0 ? 1 / softmax.sum[i] : 0;
  transpose(by_row, width, sums, ROWS, width, ROWS, inverse);
  scatter(a, rows, by_row, out);
  if (lse != NULL) store_lse(rows, softmax.maximum, softmax.sum, lse);
}

/** Scores become probabilities, `slopes` (dout·v, [key][ROWS]) the gradients of q·k. */
static void differentiate(const struct attention *a, const float *lse, const float *delta, float *scores,
                          float *slopes, int64_t keys, int64_t lane) {
  const vfloat base = vload(lse + lane), mean = vload(delta + lane);
  for (int64_t at = lane; at < keys * ROWS; at += ROWS) {
    const vfloat score = vload(scores + at), probability = exp2_down(score - base);
    vfloat slope = probability * (vload(slopes + at) - mean);
    if (a->cap > 0) {
      const vfloat squeezed = vmax(score, vset(-a->cap)) / a->cap;
      slope *= 1.0f - squeezed * squeezed;
    }
    vstore(scores + at, probability);
    vstore(slopes + at, slope);
  }
}

/** dq and delta of one block of rows, and its share in the gradients of each key block. */
static void backward_rows(const struct attention *a, const struct row_block *rows, const struct upstream *up,
                          struct key_gradients *gradients, float *space) {
  const int64_t dim = a->dim, width = a->width, lanes = round_up(rows->count, LANES);
  const int64_t stride = a->kv_heads * dim;
  float *q_rows = space, *dout_rows = q_rows + ROWS * width, *q = dout_rows + ROWS * width, *dout = q + width * ROWS;
  float *dq = dout + width * ROWS, *scores = dq + width * ROWS, *slopes = scores + a->block_keys * ROWS;
  float lse[ROWS], delta[ROWS];
  gather(a, rows, a->q, a->q_factor, q_rows);
  gather(a, rows, up->dout, 1, dout_rows);
  find_deltas(a, rows, up, lse, delta);
  transpose(q, ROWS, q_rows, width, ROWS, width, NULL);
  transpose(dout, ROWS, dout_rows, width, ROWS, width, NULL);
  memset(dq, 0, (size_t)(width * ROWS) * sizeof(float));

  struct key_range range;
  for (int64_t block = 0; next_visible(a, rows, &block, &range); block++) {
    const int64_t keys = range.end - range.begin, at = range.begin * stride + rows->kv_head * dim;
    score(a, rows, range, q, scores);
    product(slopes, ROWS, a->v + at, stride, 1, dout, ROWS, keys, lanes, dim, 0);
    for (int64_t lane = 0; lane < lanes; lane += LANES) differentiate(a, lse, delta, scores, slopes, keys, lane);
    const int64_t first = (range.begin - block * a->block_keys) * width;
    if (!gradients[block].touched) {
      gradients[block].touched = 1;
      memset(gradients[block].dk, 0, (size_t)(a->block_keys * width) * sizeof(float));
      memset(gradients[block].dv, 0, (size_t)(a->block_keys * width) * sizeof(float));
    }
    product(gradients[block].dv + first, width, scores, ROWS, 1, dout_rows, width, keys, width, rows->count, 1);
    product(gradients[block].dk + first, width, slopes, ROWS, 1, q_rows, width, keys, width, rows->count, 1);
    product(dq, ROWS, a->k + at, 1, stride, slopes, ROWS, dim, lanes, keys, 1);
  }

  float scale[ROWS];
  for (int64_t i = 0; i < ROWS; i++) scale[i] = a->scale;
  transpose(q_rows, width, dq, ROWS, width, ROWS, scale);
  scatter(a, rows, q_rows, up->dq);
}

static void backward_f32(const struct attention *a, int64_t kv_head, int64_t first, int64_t last,
                         const struct upstream *up, struct key_gradients *gradients, void *space) {
  for (int64_t number = first; number < last; number++) {
    struct row_block rows;
    take_rows(a, kv_head, number, &rows);
    backward_rows(a, &rows, up, gradients, space);
  }
}

static void nothing(void) {}

static const struct passes f32_passes = {
    .block_keys = 64,
    .width_unit = LANES,
    .forward_space = space_f32,
    .backward_space = space_f32,
    .begin = nothing,
    .end = nothing,
    .forward = forward_f32,
    .backward = backward_f32,
};

#endif
