/**
 * One block of rows with products on AMX tiles: q, k, v, dout, probabilities and their gradients are rounded to bf16,
 * sums are f32. Scores stand [key][row], as in f32, so that probabilities of two keys, side by side, are already the
 * pairs of lines that a tile product wants. Tile products of one block of keys are put between vector work on another:
 * the two run at the same time.
 */
#ifndef ATTENTION_AMX_H
#define ATTENTION_AMX_H

#include "attention-tiles.h"

#if ATTENTION_AMX

/** Blocks of keys that are taken together, between which sums stay in tiles. */
enum { BATCH = 8 };

/** A block of keys that a block of rows sees, and the lines of its scores that hold visible keys, in whole pairs. */
struct seen_block {
  struct key_range range;
  int64_t block, first, last;
};

static int64_t find_seen(const struct attention *a, const struct row_block *rows, struct seen_block *seen) {
  int64_t count = 0;
  for (int64_t block = 0;; block++) {
    block = next_live(a, rows->min_index, block);
    if (block >= a->key_blocks || block * AMX_KEYS > rows->max_index) return count;
    const struct key_range range = visible_keys(a, rows, block);
    if (range.begin == range.end) continue;
    const int64_t first = range.begin % AMX_KEYS & ~1, last = ((range.end - 1) % AMX_KEYS | 1) + 1;
    seen[count++] = (struct seen_block){range, block, first, last};
  }
}

/** -infinity for what is not visible in the lines `first` to `last` of a block's scores. */
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
  memset(lines, 0, (size_t)(seen->first * ROWS) * sizeof(bf16));
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

/** Bytes of scratch that forward_amx and backward_amx need. */
static int64_t space_amx(const struct attention *a) {
  const int64_t floats = 3 * a->width * ROWS + BATCH * SCORES, halves = 4 * a->width * ROWS + (BATCH + 4) * SCORES;
  const int64_t seen = a->key_blocks * (int64_t)sizeof(struct seen_block);
  return floats * (int64_t)sizeof(float) + halves * (int64_t)sizeof(bf16) + seen;
}

static inline void raise_maximum(vfloat maximum[2], const float *scores, const struct seen_block *seen) {
  vfloat low = maximum[0], high = maximum[1];
  for (int64_t line = seen->first; line < seen->last; line++) {
    low = vmax(low, vload(scores + line * ROWS));
    high = vmax(high, vload(scores + line * ROWS + LANES));
  }
  maximum[0] = low;
  maximum[1] = high;
}

/** Weights of one half of the rows as pairs of keys; returns their sum. */
static inline vfloat weigh_half(const float *scores, const struct seen_block *seen, vfloat base, bf16 *weights) {
  vfloat sum = vset(0.0f);
  for (int64_t line = seen->first; line < seen->last; line += 2) {
    const vfloat one = exp2_coarse(vload(scores + line * ROWS) - base);
    const vfloat two = exp2_coarse(vload(scores + (line + 1) * ROWS) - base);
    sum += one + two;
    store_pairs(weights + line * ROWS, one, two);
  }
  return sum;
}

/** Tiles 0 to `tiles` - 1, two or four of 16 columns of v for one half of the rows, += v · weights of one block. */
static inline void add_weighted(const bf16 *v, const bf16 *weights, int64_t tiles) {
  _tile_loadd(6, weights, 4 * ROWS);
  _tile_loadd(4, v, 64);
  _tile_loadd(5, v + 16 * AMX_KEYS, 64);
  _tile_dpbf16ps(0, 4, 6);
  _tile_dpbf16ps(1, 5, 6);
  if (tiles == 2) return;
  _tile_loadd(4, v + 32 * AMX_KEYS, 64);
  _tile_loadd(5, v + 48 * AMX_KEYS, 64);
  _tile_dpbf16ps(2, 4, 6);
  _tile_dpbf16ps(3, 5, 6);
}

static inline void load_columns(const float *sums, int64_t tiles) {
  _tile_loadd(0, sums, 4 * ROWS);
  _tile_loadd(1, sums + 16 * ROWS, 4 * ROWS);
  if (tiles == 2) return;
  _tile_loadd(2, sums + 32 * ROWS, 4 * ROWS);
  _tile_loadd(3, sums + 48 * ROWS, 4 * ROWS);
}

static inline void store_columns(float *sums, int64_t tiles) {
  _tile_stored(0, sums, 4 * ROWS);
  _tile_stored(1, sums + 16 * ROWS, 4 * ROWS);
  if (tiles == 2) return;
  _tile_stored(2, sums + 32 * ROWS, 4 * ROWS);
  _tile_stored(3, sums + 48 * ROWS, 4 * ROWS);
}

/** The state of a block of rows on its way through the keys. */
struct forward_rows {
  vfloat maximum[2], sum[2];
  float *sums, *scores; /* [width][ROWS], [BATCH] blocks */
  bf16 *q, *weights;    /* pairs [width / 2][ROWS][2], [BATCH] blocks */
};

/** Takes the keys of up to BATCH blocks into the softmax and the sums of the rows. */
static void forward_batch(const struct attention *a, const struct row_block *rows, struct forward_rows *f, int first,
                          const struct seen_block *seen, int64_t count) {
  static const float zeros[ROWS];
  const int64_t width = a->width;
  const bf16 *k = a->packed.k_rows + packed_block(a, rows->kv_head, 0);
  const bf16 *v = a->packed.v_columns + packed_block(a, rows->kv_head, 0);
  const int64_t block = AMX_KEYS * width;

  const vfloat before[2] = {f->maximum[0], f->maximum[1]};
  multiply(f->scores, zeros, k + seen[0].block * block, f->q, width);
  for (int64_t i = 0; i < count; i++) {
    float *scores = f->scores + i * SCORES;
    if (i + 1 < count) multiply(scores + SCORES, zeros, k + seen[i + 1].block * block, f->q, width);
    if (a->cap > 0) {
      for (int64_t j = 0; j < SCORES; j += LANES) vstore(scores + j, a->cap * vtanh(vload(scores + j)));
    }
    hide_block(a, rows, seen + i, scores);
    raise_maximum(f->maximum, scores, seen + i);
    clear_unseen(f->weights + i * SCORES, seen + i);
  }

  for (int64_t half = 0; half < 2; half++) {
    /* A row that has seen nothing yet has maximum -infinity; any finite base will do for it. */
    const vfloat base = vselect(f->maximum[half] == -INFINITY, vset(0.0f), f->maximum[half]);
    const vfloat shrink = exp2_down(before[half] - base);
    vfloat sum = f->sum[half] * shrink;
    float *sums = f->sums + half * LANES;
    const float *scores = f->scores + half * LANES;
    bf16 *weights = f->weights + half * 2 * LANES;
    if (!first) {
      for (int64_t i = 0; i < width; i++) vstore(sums + i * ROWS, vload(sums + i * ROWS) * shrink);
    }
    for (int64_t j = 0; j < width; j += 64) {
      const int64_t tiles = smaller(4, (width - j) / 16);
      const bf16 *columns = v + j * AMX_KEYS;
      settle(sums);
      if (first) clear_sums();
      else load_columns(sums + j * ROWS, tiles);
      for (int64_t i = 0; i < count; i++) {
        if (j == 0 && i > 0) add_weighted(columns + seen[i - 1].block * block, weights + (i - 1) * SCORES, tiles);
        if (j == 0) sum += weigh_half(scores + i * SCORES, seen + i, base, weights + i * SCORES);
        settle(weights);
        if (j > 0 || i == count - 1) add_weighted(columns + seen[i].block * block, weights + i * SCORES, tiles);
      }
      store_columns(sums + j * ROWS, tiles);
    }
    f->sum[half] = sum;
  }
}

/** out and, unless null, lse of one block of rows. */
static void forward_amx(const struct attention *a, const struct row_block *rows, float *out, float *lse, void *space) {
  const int64_t size = a->width * ROWS;
  float *by_row = space, inverse[ROWS];
  struct forward_rows f = {.maximum = {vset(-INFINITY), vset(-INFINITY)}, .sums = by_row + size};
  f.scores = f.sums + size;
  f.q = (bf16 *)(f.scores + BATCH * SCORES);
  f.weights = f.q + size;
  struct seen_block *seen = (struct seen_block *)(f.weights + BATCH * SCORES);
  gather_pairs(a, rows, a->q, a->q_factor, (bf16 *)by_row, NULL, f.q);
  settle(f.q);

  const int64_t count = find_seen(a, rows, seen);
  if (count == 0) memset(f.sums, 0, (size_t)size * sizeof(float));
  for (int64_t i = 0; i < count; i += BATCH) forward_batch(a, rows, &f, i == 0, seen + i, smaller(BATCH, count - i));

  for (int64_t half = 0; half < 2; half++)
    vstore(inverse + half * LANES, vselect(f.sum[half] > 0, 1.0f / f.sum[half], vset(0.0f)));
  transpose(by_row, a->width, f.sums, ROWS, a->width, ROWS, inverse);
  scatter(a, rows, by_row, out);
  if (lse != NULL) store_lse(a, rows, (const float *)f.maximum, (const float *)f.sum, lse);
}

/** One block's probabilities and the gradients of its q·k: both [key][row], the latter also as pairs of keys. */
struct block_gradients {
  float scores[SCORES], slopes[SCORES]; /* score - lse; dout·v - dout·out */
  bf16 weights[SCORES], lines[SCORES];
};

/** Under a cap scores come without -lse, and the slope of the cap is one more factor of the gradients. */
static void squeeze(const struct attention *a, struct block_gradients *g, const float *lse) {
  for (int64_t i = 0; i < SCORES; i += LANES) {
    const vfloat tanh = vtanh(vload(g->scores + i));
    vstore(g->scores + i, a->cap * tanh - vload(lse + i % ROWS));
    vstore(g->slopes + i, vload(g->slopes + i) * (1.0f - tanh * tanh));
  }
}

static inline void differentiate_lines(struct block_gradients *g, bf16 *pairs, int64_t first, int64_t last) {
  for (int64_t line = first * ROWS; line < last * ROWS; line += 2 * ROWS) {
    const vfloat weight[4] = {exp2_coarse(vload(g->scores + line)), exp2_coarse(vload(g->scores + line + LANES)),
                              exp2_coarse(vload(g->scores + line + ROWS)),
                              exp2_coarse(vload(g->scores + line + ROWS + LANES))};
    const vfloat slope[4] = {weight[0] * vload(g->slopes + line), weight[1] * vload(g->slopes + line + LANES),
                             weight[2] * vload(g->slopes + line + ROWS),
                             weight[3] * vload(g->slopes + line + ROWS + LANES)};
    store_line(g->weights + line, weight[0], weight[1]);
    store_line(g->weights + line + ROWS, weight[2], weight[3]);
    store_line(g->lines + line, slope[0], slope[1]);
    store_line(g->lines + line + ROWS, slope[2], slope[3]);
    store_pairs(pairs + line, slope[0], slope[2]);
    store_pairs(pairs + line + 2 * LANES, slope[1], slope[3]);
  }
}

/** What one block of rows brings to its backward pass. */
struct backward_rows {
  bf16 *q, *dout, *q_lines, *dout_lines; /* pairs [width / 2][ROWS][2], pairs [ROWS / 2][width][2] */
  bf16 *pairs;                           /* [BATCH] blocks */
  float *dq;                             /* [width][ROWS] */
  float start[ROWS], lse[ROWS], delta[ROWS];
};

/** Parts into which the tile products of a block are cut. */
enum { PARTS = 4 };

/** dq += keys · gradients of the last `count` blocks. */
static void add_dq(const struct attention *a, const struct row_block *rows, const struct backward_rows *b,
                   const struct seen_block *seen, int64_t count) {
  const bf16 *k = a->packed.k_columns + packed_block(a, rows->kv_head, 0);
  settle(b->pairs);
  for (int64_t j = 0; j < a->width; j += 32) {
    load_sums(b->dq + j * ROWS, ROWS);
    for (int64_t i = 0; i < count; i++) {
      const bf16 *columns = k + (seen[i].block * a->width + j) * AMX_KEYS;
      multiply_add(columns, AMX_KEYS, b->pairs + i * SCORES, 2 * ROWS);
    }
    store_sums(b->dq + j * ROWS, ROWS);
  }
}

/** Part `part` of the tile products around the vector work on a block: scores of the next, sums of the one before. */
static inline void multiply_part(const struct attention *a, const struct row_block *rows, const struct backward_rows *b,
                                 int part, const struct seen_block *next, struct block_gradients *g_next,
                                 const struct seen_block *before, const struct block_gradients *g_before,
                                 struct key_gradients *gradients) {
  const int64_t width = a->width;
  if (part < 2) {
    if (next == NULL) return;
    const int64_t at = packed_block(a, rows->kv_head, next->block);
    if (part == 0) multiply(g_next->scores, b->start, a->packed.k_rows + at, b->q, width);
    else multiply(g_next->slopes, b->delta, a->packed.v_rows + at, b->dout, width);
  } else if (before != NULL) {
    struct key_gradients *sums = gradients + before->block;
    if (part == 2) add_product(sums->dv, sums->touched, g_before->weights, b->dout_lines, width);
    else add_product(sums->dk, sums->touched, g_before->lines, b->q_lines, width), sums->touched = 1;
  }
}

/** dq and delta of one block of rows, and its share in the gradients of each key block. */
static void backward_amx(const struct attention *a, const struct row_block *rows, const struct upstream *up,
                         struct key_gradients *gradients, void *space) {
  const int64_t size = ROWS * a->width;
  float *by_row = space, scale[ROWS];
  struct backward_rows b = {.dq = by_row + size};
  struct block_gradients *g = (struct block_gradients *)(b.dq + size);
  b.q = (bf16 *)(g + 2);
  b.dout = b.q + size;
  b.q_lines = b.dout + size;
  b.dout_lines = b.q_lines + size;
  b.pairs = b.dout_lines + size;
  struct seen_block *seen = (struct seen_block *)(b.pairs + BATCH * SCORES);
  gather_pairs(a, rows, a->q, a->q_factor, (bf16 *)by_row, b.q_lines, b.q);
  gather_pairs(a, rows, up->dout, 1, (bf16 *)by_row, b.dout_lines, b.dout);
  find_deltas(a, rows, up, b.lse, b.delta);
  memset(b.dq, 0, (size_t)size * sizeof(float));
  for (int64_t i = 0; i < ROWS; i++) {
    b.start[i] = a->cap > 0 ? 0 : -b.lse[i];
    b.delta[i] = -b.delta[i];
    scale[i] = a->scale;
  }
  settle(&b);

  const int64_t count = find_seen(a, rows, seen);
  for (int64_t i = -1; i <= count; i++) {
    const struct seen_block *next = i + 1 < count ? seen + i + 1 : NULL, *before = i > 0 ? seen + i - 1 : NULL;
    struct block_gradients *now = g + (i & 1), *other = g + (~i & 1);
    const int here = i >= 0 && i < count;
    bf16 *pairs = b.pairs + (i & (BATCH - 1)) * SCORES;
    if (here) {
      if (a->cap > 0) squeeze(a, now, b.lse);
      hide_block(a, rows, seen + i, now->scores);
    }
    /* The block before and the next one share a buffer: its scores are read before, its weights after. */
    for (int part = 0; part < PARTS; part++) {
      multiply_part(a, rows, &b, part, next, other, before, other, gradients);
      if (!here) continue;
      const int64_t first = part * AMX_KEYS / PARTS, last = first + AMX_KEYS / PARTS;
      differentiate_lines(now, pairs, first > seen[i].first ? first : seen[i].first, smaller(last, seen[i].last));
    }
    if (!here) continue;
    clear_unseen(now->weights, seen + i);
    clear_unseen(now->lines, seen + i);
    clear_unseen(pairs, seen + i);
    settle(now);
    if ((i + 1) % BATCH == 0 || i + 1 == count) add_dq(a, rows, &b, seen + (i & ~(BATCH - 1)), i % BATCH + 1);
  }

  transpose(by_row, a->width, b.dq, ROWS, a->width, ROWS, scale);
  scatter(a, rows, by_row, up->dq);
}

#endif
#endif
