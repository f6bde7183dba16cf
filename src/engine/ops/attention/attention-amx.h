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

/** Describes what the rows see of a block; returns 0 if that is nothing. */
static inline int see_block(const struct attention *a, const struct row_block *rows, int64_t block,
                            struct seen_block *seen) {
  const struct key_range range = visible_keys(a, rows, block);
  if (range.begin == range.end) return 0;
  *seen = (struct seen_block){range, block, range.begin % AMX_KEYS & ~1, ((range.end - 1) % AMX_KEYS | 1) + 1};
  return 1;
}

/** Finds the next up to BATCH blocks from `block` on that the rows see, and their count; returns where to go on. */
static int64_t find_seen(const struct attention *a, const struct row_block *rows, int64_t block,
                         struct seen_block *seen, int64_t *count) {
  for (*count = 0; *count < BATCH; block++) {
    block = next_live(a, rows->min_index, block);
    if (block >= a->key_blocks || block * AMX_KEYS > rows->max_index) break;
    *count += see_block(a, rows, block, seen + *count);
  }
  return block;
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

/** Bytes of scratch that forward_amx needs. */
static int64_t forward_space_amx(const struct attention *a) {
  const int64_t size = a->width * ROWS;
  return (2 * size + BATCH * SCORES) * (int64_t)sizeof(float) + (size + BATCH * SCORES) * (int64_t)sizeof(bf16);
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

  const vfloat before[2] = {f->maximum[0], f->maximum[1]};
  multiply(f->scores, zeros, k + seen[0].block * block, f->q, width);
  for (int64_t i = 0; i < count; i++) {
    float *scores = f->scores + i * SCORES;
    if (i + 1 < count) multiply(scores + SCORES, zeros, k + seen[i + 1].block * block, f->q, width);
    if (a->cap > 0) {
      for (int64_t j = 0; j < SCORES; j += LANES) vstore(scores + j, a->cap * vtanh(vload(scores + j)));
    }
    hide_block(a, f->rows, seen + i, scores);
    raise_maximum(f->maximum, scores, seen + i);
    clear_unseen(f->weights + i * SCORES, seen + i);
    if (first) prefetch_rows(a, f->rows, f->out, i, count);
    if (first && f->next != NULL) prefetch_rows(a, f->next, a->q, i, count);
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
      if (first) clear_tiles();
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

/** Blocks of rows, and blocks of keys, that a step of the backward pass takes together. */
enum { PANEL_ROWS = 4, PANEL_KEYS = 4, UNITS = PANEL_ROWS * PANEL_KEYS };

/** A block of rows against a block of keys that it sees. */
struct unit {
  struct seen_block seen;
  int64_t row; /* of the panel */
};

/** What a panel's blocks of rows bring to the backward pass, and dq. */
struct backward_row {
  struct row_block rows;
  bf16 *q, *dout, *q_lines, *dout_lines; /* pairs [width / 2][ROWS][2], pairs [ROWS / 2][width][2] */
  float *dq;                             /* [width][ROWS] */
  float start[ROWS] LINE, lse[ROWS] LINE, delta[ROWS] LINE;
};

/** Score - lse and dout·v - dout·out of one unit. */
struct unit_products {
  float scores[SCORES] LINE, slopes[SCORES] LINE;
};

/** Probabilities and gradients of q·k of one unit: lines of rows, the latter also as pairs of keys. */
struct unit_gradients {
  bf16 weights[SCORES] LINE, lines[SCORES] LINE, pairs[SCORES] LINE;
};

struct panel {
  int64_t row_count, unit_count, next_count;
  struct backward_row row[PANEL_ROWS];
  struct unit unit[UNITS];
  struct unit_products products;
  struct unit_gradients gradients[UNITS];
  struct row_block next[PANEL_ROWS]; /* the rows of the panel after this one */
};

/** Bytes of scratch that backward_amx needs. */
static int64_t backward_space_amx(const struct attention *a) {
  const int64_t size = a->width * ROWS;
  return (int64_t)sizeof(struct panel) +
         PANEL_ROWS * size * (int64_t)(4 * sizeof(bf16) + sizeof(float)) + size * (int64_t)sizeof(float);
}

/** Under a cap scores come without -lse, and the slope of the cap is one more factor of the gradients. */
static void squeeze(const struct attention *a, struct unit_products *products, const float *lse) {
  for (int64_t i = 0; i < SCORES; i += LANES) {
    const vfloat tanh = vtanh(vload(products->scores + i));
    vstore(products->scores + i, a->cap * tanh - vload(lse + i % ROWS));
    vstore(products->slopes + i, vload(products->slopes + i) * (1.0f - tanh * tanh));
  }
}

/** Gradients of the lines first to last, whole pairs. */
static inline void differentiate_lines(const struct unit_products *products, struct unit_gradients *g, int64_t first,
                                       int64_t last) {
  for (int64_t line = first * ROWS; line < last * ROWS; line += 2 * ROWS) {
    const float *scores = products->scores + line, *slopes = products->slopes + line;
    const vfloat weight[4] = {exp2_coarse(vload(scores)), exp2_coarse(vload(scores + LANES)),
                              exp2_coarse(vload(scores + ROWS)), exp2_coarse(vload(scores + ROWS + LANES))};
    const vfloat slope[4] = {weight[0] * vload(slopes), weight[1] * vload(slopes + LANES),
                             weight[2] * vload(slopes + ROWS), weight[3] * vload(slopes + ROWS + LANES)};
    store_line(g->weights + line, weight[0], weight[1]);
    store_line(g->weights + line + ROWS, weight[2], weight[3]);
    store_line(g->lines + line, slope[0], slope[1]);
    store_line(g->lines + line + ROWS, slope[2], slope[3]);
    store_pairs(g->pairs + line, slope[0], slope[2]);
    store_pairs(g->pairs + line + 2 * LANES, slope[1], slope[3]);
  }
}

/** Finds the units of up to PANEL_KEYS visible blocks of keys from `block` on; returns where to go on. */
static int64_t find_units(const struct attention *a, struct panel *panel, int64_t block) {
  const struct row_block *last = &panel->row[panel->row_count - 1].rows;
  panel->unit_count = 0;
  for (int64_t keys = 0; keys < PANEL_KEYS; block++) {
    block = next_live(a, panel->row[0].rows.min_index, block);
    if (block >= a->key_blocks || block * AMX_KEYS > last->max_index) break;
    const int64_t before = panel->unit_count;
    for (int64_t row = 0; row < panel->row_count; row++) {
      struct unit *unit = &panel->unit[panel->unit_count];
      unit->row = row;
      panel->unit_count += see_block(a, &panel->row[row].rows, block, &unit->seen);
    }
    keys += panel->unit_count > before;
  }
  return block;
}

/** The gradients of all units with respect to their scores. */
static void differentiate_units(const struct attention *a, const struct upstream *up, int first, struct panel *panel) {
  struct unit_products *products = &panel->products;
  for (int64_t i = 0; i < panel->unit_count; i++) {
    struct unit_gradients *g = &panel->gradients[i];
    const struct seen_block *seen = &panel->unit[i].seen;
    const struct backward_row *row = &panel->row[panel->unit[i].row];
    const int64_t at = packed_block(a, row->rows.kv_head, seen->block);
    multiply(products->scores, row->start, a->packed.k_rows + at, row->q, a->width);
    multiply(products->slopes, row->delta, a->packed.v_rows + at, row->dout, a->width);
    if (a->cap > 0) squeeze(a, products, row->lse);
    hide_block(a, &row->rows, seen, products->scores);
    differentiate_lines(products, g, seen->first, seen->last);
    clear_unseen(g->weights, seen);
    clear_unseen(g->lines, seen);
    clear_unseen(g->pairs, seen);
    for (int64_t j = 0; first && j < panel->next_count; j++) {
      prefetch_rows(a, &panel->next[j], a->q, i, panel->unit_count);
      prefetch_rows(a, &panel->next[j], up->dout, i, panel->unit_count);
      prefetch_rows(a, &panel->next[j], up->out, i, panel->unit_count);
    }
  }
  settle(panel);
}

/** dk and dv of the panel's blocks of keys: units of the same block stand together, and stay in tiles. */
static void add_key_gradients(const struct attention *a, const struct panel *panel, struct key_gradients *gradients) {
  const int64_t width = a->width;
  for (int64_t i = 0, end; i < panel->unit_count; i = end) {
    struct key_gradients *sums = gradients + panel->unit[i].seen.block;
    for (end = i; end < panel->unit_count && panel->unit[end].seen.block == panel->unit[i].seen.block;) end++;
    for (int64_t j = 0; j < width; j += 32) {
      begin_sums(sums->dv + j, width, sums->touched);
      for (int64_t u = i; u < end; u++)
        multiply_add(panel->gradients[u].weights, ROWS, panel->row[panel->unit[u].row].dout_lines + 2 * j, 2 * width);
      store_sums(sums->dv + j, width);
      begin_sums(sums->dk + j, width, sums->touched);
      for (int64_t u = i; u < end; u++)
        multiply_add(panel->gradients[u].lines, ROWS, panel->row[panel->unit[u].row].q_lines + 2 * j, 2 * width);
      store_sums(sums->dk + j, width);
    }
    sums->touched = 1;
  }
}

/** dq of the panel's blocks of rows. */
static void add_row_gradients(const struct attention *a, const struct panel *panel) {
  const bf16 *k = a->packed.k_columns + packed_block(a, panel->row[0].rows.kv_head, 0);
  for (int64_t row = 0; row < panel->row_count; row++) {
    float *dq = panel->row[row].dq;
    for (int64_t j = 0; j < a->width; j += 32) {
      begin_sums(dq + j * ROWS, ROWS, 1);
      for (int64_t u = 0; u < panel->unit_count; u++) {
        if (panel->unit[u].row != row) continue;
        const bf16 *columns = k + (panel->unit[u].seen.block * a->width + j) * AMX_KEYS;
        multiply_add(columns, AMX_KEYS, panel->gradients[u].pairs, 2 * ROWS);
      }
      store_sums(dq + j * ROWS, ROWS);
    }
  }
}

/** dq and delta of a panel's rows, which begin with block `number` of those up to `end`, and their share in dk and dv. */
static void backward_panel(const struct attention *a, int64_t kv_head, int64_t number, int64_t end,
                           const struct upstream *up, struct key_gradients *gradients, void *space) {
  const int64_t size = ROWS * a->width;
  struct panel *panel = space;
  float *by_row = (float *)(panel + 1), *dq = by_row + size, scale[ROWS];
  bf16 *packed = (bf16 *)(dq + PANEL_ROWS * size);
  panel->row_count = smaller(PANEL_ROWS, end - number);
  panel->next_count = smaller(PANEL_ROWS, end - number - panel->row_count);
  for (int64_t i = 0; i < panel->next_count; i++) {
    take_rows(a, kv_head, number + panel->row_count + i, &panel->next[i]);
  }
  for (int64_t i = 0; i < panel->row_count; i++, packed += 4 * size, dq += size) {
    struct backward_row *row = &panel->row[i];
    row->q = packed;
    row->dout = packed + size;
    row->q_lines = packed + 2 * size;
    row->dout_lines = packed + 3 * size;
    row->dq = memset(dq, 0, (size_t)size * sizeof(float));
    take_rows(a, kv_head, number + i, &row->rows);
    gather_pairs(a, &row->rows, a->q, a->q_factor, (bf16 *)by_row, row->q_lines, row->q);
    gather_pairs(a, &row->rows, up->dout, 1, (bf16 *)by_row, row->dout_lines, row->dout);
    find_deltas(a, &row->rows, up, row->lse, row->delta);
    for (int64_t j = 0; j < ROWS; j++) {
      row->start[j] = a->cap > 0 ? 0 : -row->lse[j];
      row->delta[j] = -row->delta[j];
    }
  }
  settle(panel);

  int64_t next = find_units(a, panel, 0);
  for (int first = 1; panel->unit_count > 0; first = 0, next = find_units(a, panel, next)) {
    differentiate_units(a, up, first, panel);
    add_key_gradients(a, panel, gradients);
    add_row_gradients(a, panel);
  }

  for (int64_t j = 0; j < ROWS; j++) scale[j] = a->scale;
  for (int64_t i = 0; i < panel->row_count; i++) {
    transpose(by_row, a->width, panel->row[i].dq, ROWS, a->width, ROWS, scale);
    scatter(a, &panel->row[i].rows, by_row, up->dq);
  }
}

#endif
#endif
