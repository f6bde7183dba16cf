/**
 * The forward pass of one block of rows with products on AMX tiles: q, k, v and probabilities are rounded to bf16, sums
 * are f32. Scores stand [key][row], as in f32, so that probabilities of two keys, side by side, are already the pairs
 * of lines that a tile product wants. Products of several blocks of keys come first and vector work on them then: for
 * some hundred cycles after a tile instruction 512-bit arithmetic runs at half its speed.
 */
#ifndef ATTENTION_AMX_FORWARD_H
#define ATTENTION_AMX_FORWARD_H

#include "attention-tiles.h"

#if ATTENTION_AMX

/** Blocks of keys that are taken together; their scores and weights stay in the nearest cache. */
enum { BATCH = 4 };

/** A block of keys that a block of rows sees, and the lines of its scores that hold visible keys, in whole pairs. */
struct seen_block {
  struct key_range range;
  int64_t block, first, last;
};

static inline struct seen_block see_block(int64_t block, struct key_range range) {
  return (struct seen_block){range, block, range.begin % AMX_KEYS & ~1, ((range.end - 1) % AMX_KEYS | 1) + 1};
}

/** -infinity for what is not visible in the lines of a block's scores that hold visible keys. */
static inline void hide_block(const struct attention *a, const struct row_block *rows, const struct seen_block *seen,
                              float *scores) {
  const int64_t begin = seen->range.begin % AMX_KEYS, end = begin + seen->range.end - seen->range.begin;
  if (seen->range.holes) hide(a, rows, seen->range, scores + begin * ROWS);
  for (int64_t i = 0; i < ROWS; i += LANES) {
    if (begin % 2 == 1) vstore(scores + (begin - 1) * ROWS + i, vset(-INFINITY));
    if (end % 2 == 1) vstore(scores + end * ROWS + i, vset(-INFINITY));
  }
}

/** Zeros the lines of a block of bf16 that hold no visible keys. */
static inline void clear_unseen(bf16 *lines, const struct seen_block *seen) {
  if (seen->first > 0) memset(lines, 0, (size_t)(seen->first * ROWS) * sizeof(bf16));
  if (seen->last < AMX_KEYS)
    memset(lines + seen->last * ROWS, 0, (size_t)((AMX_KEYS - seen->last) * ROWS) * sizeof(bf16));
}

/** 2^x for x <= 0, -infinity included. Relative error below 1e-4: a fiftieth of what rounding to bf16 adds. */
static inline vfloat exp2_coarse(vfloat x) {
  const vfloat r = (vfloat)_mm512_reduce_ps((__m512)x, 1); /* x less the integer below, which scalef takes as well */
  vfloat p = r * 7.706718355e-2f + 2.276448365e-1f;
  p = p * r + 6.951168215e-1f;
  p = p * r + 1.0f;
  return (vfloat)_mm512_scalef_ps((__m512)p, (__m512)x);
}

static int64_t forward_space_amx(const struct attention *a) {
  const int64_t size = a->width * ROWS;
  return (2 * size + BATCH * SCORES) * (int64_t)sizeof(float) + (size + BATCH * SCORES) * (int64_t)sizeof(bf16);
}

static inline void raise_maximum(vfloat maximum[2], const float *scores, const struct seen_block *seen) {
  vfloat low[2] = {maximum[0], maximum[0]}, high[2] = {maximum[1], maximum[1]};
  for (int64_t line = seen->first; line < seen->last; line += 2) {
    for (int64_t i = 0; i < 2; i++) {
      low[i] = vmax(low[i], vload(scores + (line + i) * ROWS));
      high[i] = vmax(high[i], vload(scores + (line + i) * ROWS + LANES));
    }
  }
  maximum[0] = vmax(low[0], low[1]);
  maximum[1] = vmax(high[0], high[1]);
}

/** Weights of a block's lines as pairs of keys, and their sum. */
static inline void weigh_block(const float *scores, const struct seen_block *seen, const vfloat base[2], bf16 *weights,
                               vfloat sum[2]) {
  vfloat low = vset(0.0f), high = vset(0.0f);
  for (int64_t line = seen->first; line < seen->last; line += 2) {
    const float *at = scores + line * ROWS;
    const vfloat weight[4] = {exp2_coarse(vload(at) - base[0]), exp2_coarse(vload(at + LANES) - base[1]),
                              exp2_coarse(vload(at + ROWS) - base[0]), exp2_coarse(vload(at + ROWS + LANES) - base[1])};
    low += weight[0] + weight[2];
    high += weight[1] + weight[3];
    store_pairs(weights + line * ROWS, weight[0], weight[2]);
    store_pairs(weights + line * ROWS + 2 * LANES, weight[1], weight[3]);
  }
  sum[0] += low;
  sum[1] += high;
}

/** Finds the next up to BATCH blocks from `block` on that the rows see, and their count; returns where to go on. */
static int64_t find_seen(const struct attention *a, const struct row_block *rows, int64_t block,
                         struct seen_block *seen, int64_t *count) {
  struct key_range range;
  for (*count = 0; *count < BATCH && next_visible(a, rows, &block, &range); block++)
    seen[(*count)++] = see_block(block, range);
  return block;
}

/** The state of a block of rows on its way through the keys. */
struct forward_rows {
  const struct row_block *rows, *next; /* next: the block of rows after this one, or null */
  float *out;
  vfloat maximum[2], sum[2];
  float *sums, *scores; /* [width][ROWS], [BATCH] blocks */
  bf16 *q, *weights;    /* pairs [width / 2][ROWS][2], [BATCH] blocks */
};

/** Takes the keys of up to BATCH blocks into the softmax and the sums of the rows. */
static void forward_batch(const struct attention *a, struct forward_rows *f, int first, const struct seen_block *seen,
                          int64_t count) {
  static const float zeros[ROWS] LINE;
  const int64_t width = a->width;
  const bf16 *k = a->packed.k_rows + packed_block(a, f->rows->kv_head, 0);
  const bf16 *v = a->packed.v_columns + packed_block(a, f->rows->kv_head, 0);
  const int64_t block = AMX_KEYS * width;

  for (int64_t i = 0; i < count; i++)
    multiply(f->scores + i * SCORES, zeros, k + seen[i].block * block, f->q, width);
  const vfloat before[2] = {f->maximum[0], f->maximum[1]};
  for (int64_t i = 0; i < count; i++) {
    float *scores = f->scores + i * SCORES;
    if (a->cap > 0) {
      for (int64_t j = 0; j < SCORES; j += LANES) vstore(scores + j, a->cap * vtanh(vload(scores + j)));
    }
    hide_block(a, f->rows, seen + i, scores);
    raise_maximum(f->maximum, scores, seen + i);
    if (first) prefetch_rows(a, f->rows, f->out, i, count);
    if (first && f->next != NULL) prefetch_rows(a, f->next, a->q, i, count);
  }
  vfloat base[2];
  for (int64_t half = 0; half < 2; half++) {
    /* A row that has seen nothing yet has maximum -infinity; any finite base will do for it. */
    base[half] = vselect(f->maximum[half] == -INFINITY, vset(0.0f), f->maximum[half]);
    const vfloat shrink = exp2_down(before[half] - base[half]);
    f->sum[half] *= shrink;
    if (first) continue;
    for (int64_t i = half * LANES; i < width * ROWS; i += ROWS) vstore(f->sums + i, vload(f->sums + i) * shrink);
  }
  for (int64_t i = 0; i < count; i++) {
    weigh_block(f->scores + i * SCORES, seen + i, base, f->weights + i * SCORES, f->sum);
    clear_unseen(f->weights + i * SCORES, seen + i);
  }
  settle(f);
  for (int64_t j = 0; j < width; j += 32) {
    begin_sums(f->sums + j * ROWS, ROWS, !first);
    for (int64_t i = 0; i < count; i++)
      multiply_add(v + seen[i].block * block + j * AMX_KEYS, AMX_KEYS, f->weights + i * SCORES, 2 * ROWS);
    store_sums(f->sums + j * ROWS, ROWS);
  }
}

static void forward_amx(const struct attention *a, const struct row_block *rows, const struct row_block *next_rows,
                        float *out, float *lse, void *space) {
  const int64_t size = a->width * ROWS;
  float *by_row = space, inverse[ROWS];
  struct forward_rows f = {.rows = rows, .next = next_rows, .out = out, .sums = by_row + size};
  f.maximum[0] = f.maximum[1] = vset(-INFINITY);
  f.scores = f.sums + size;
  f.q = (bf16 *)(f.scores + BATCH * SCORES);
  f.weights = f.q + size;
  gather_pairs(a, rows, a->q, a->q_factor, (bf16 *)by_row, NULL, f.q);
  settle(f.q);

  struct seen_block seen[BATCH];
  int64_t count, next = find_seen(a, rows, 0, seen, &count);
  if (count == 0) memset(f.sums, 0, (size_t)size * sizeof(float));
  for (int first = 1; count > 0; first = 0, next = find_seen(a, rows, next, seen, &count))
    forward_batch(a, &f, first, seen, count);

  for (int64_t half = 0; half < 2; half++)
    vstore(inverse + half * LANES, vselect(f.sum[half] > 0, 1.0f / f.sum[half], vset(0.0f)));
  transpose(by_row, a->width, f.sums, ROWS, a->width, ROWS, inverse);
  scatter(a, rows, by_row, out);
  if (lse != NULL) store_lse(rows, (const float *)f.maximum, (const float *)f.sum, lse);
}

#endif
#endif
