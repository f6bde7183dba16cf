/**
 * The backward pass with products on AMX tiles: q, k, v, dout, probabilities and their gradients are rounded to bf16,
 * sums are f32. Several blocks of rows are taken against several blocks of keys at a time: a panel. First comes what a
 * pair of blocks, a unit, needs of its own; then each sum over the panel's rows or keys, in tiles, so that the sums,
 * which are larger than what they are made of, are read and written once for all of a panel's units.
 */
#ifndef ATTENTION_AMX_BACKWARD_H
#define ATTENTION_AMX_BACKWARD_H

#include "attention-amx-forward.h"

#if ATTENTION_AMX

/** Blocks of rows and of keys in a panel. */
enum { PANEL_ROWS = 4, PANEL_KEYS = 8, UNITS = PANEL_ROWS * PANEL_KEYS };

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

/** A panel's rows, and the units of the blocks of keys it has come to. */
struct panel {
  int64_t row_count, unit_count, next_count;
  struct backward_row row[PANEL_ROWS];
  struct unit unit[UNITS];
  struct unit_products products;
  struct unit_gradients gradients[UNITS];
  struct row_block next[PANEL_ROWS]; /* the rows of the panel after this one */
};

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

static inline void differentiate_unit(const struct unit_products *products, const struct seen_block *seen,
                                      struct unit_gradients *g) {
  for (int64_t line = seen->first * ROWS; line < seen->last * ROWS; line += 2 * ROWS) {
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
  clear_unseen(g->weights, seen);
  clear_unseen(g->lines, seen);
  clear_unseen(g->pairs, seen);
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
      const struct key_range range = visible_keys(a, &panel->row[row].rows, block);
      if (range.begin < range.end) panel->unit[panel->unit_count++] = (struct unit){see_block(block, range), row};
    }
    keys += panel->unit_count > before;
  }
  return block;
}

/** The gradients of all units; meanwhile, in the first step of a panel, the rows of the next one come nearer. */
static void differentiate_units(const struct attention *a, const struct upstream *up, int first, struct panel *panel) {
  struct unit_products *products = &panel->products;
  for (int64_t i = 0; i < panel->unit_count; i++) {
    const struct seen_block *seen = &panel->unit[i].seen;
    const struct backward_row *row = &panel->row[panel->unit[i].row];
    const int64_t at = packed_block(a, row->rows.kv_head, seen->block);
    multiply(products->scores, row->start, a->packed.k_rows + at, row->q, a->width);
    multiply(products->slopes, row->delta, a->packed.v_rows + at, row->dout, a->width);
    if (a->cap > 0) squeeze(a, products, row->lse);
    hide_block(a, &row->rows, seen, products->scores);
    differentiate_unit(products, seen, &panel->gradients[i]);
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

/** dq and delta of the panel that begins with block `number` of rows, of those up to `end`, and its share in dk, dv. */
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

static void backward_amx(const struct attention *a, int64_t kv_head, int64_t first, int64_t last,
                         const struct upstream *up, struct key_gradients *gradients, void *space) {
  for (int64_t number = first; number < last; number += PANEL_ROWS)
    backward_panel(a, kv_head, number, last, up, gradients, space);
}

static const struct passes amx_passes = {
    .block_keys = AMX_KEYS,
    .width_unit = AMX_WIDTH,
    .forward_space = forward_space_amx,
    .backward_space = backward_space_amx,
    .begin = configure_tiles,
    .end = release_tiles,
    .pack = pack_blocks,
    .forward = forward_amx,
    .backward = backward_amx,
};

#endif
#endif
