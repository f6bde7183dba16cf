/**
 * One block of rows with products on AMX tiles: q, k, v, dout, probabilities and their gradients are rounded to bf16,
 * sums are f32. A tile product is c [16][16] += a [16][32] · b [32][16], where b comes as pairs of lines: [16][16][2].
 * Scores stand [key][row], as in f32, so that probabilities of two keys, side by side, are already such pairs.
 */
#ifndef ATTENTION_AMX_H
#define ATTENTION_AMX_H

#include "attention-layout.h"

#if defined(__AMX_BF16__) && defined(__AMX_TILE__) && defined(__AVX512BF16__)
#define ATTENTION_AMX 1

/** Keys of a block; and how many blocks are taken together, between which sums stay in tiles. */
enum { AMX_KEYS = 32, AMX_WIDTH = 32, BATCH = 8 };

/** Elements of a block of keys and of a block of rows of scores. */
enum { SCORES = AMX_KEYS * ROWS };

struct tile_configuration {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};

/** Before tile products on a thread; _tile_release() goes after them. All eight tiles are 16 lines of 64 bytes. */
static void configure_tiles(void) {
  struct tile_configuration configuration = {.palette = 1};
  for (int i = 0; i < 8; i++) configuration.row_bytes[i] = 64, configuration.rows[i] = 16;
  _tile_loadconfig(&configuration);
}

/** Two vectors as bf16, one after the other. */
static inline void store_line(bf16 *to, vfloat first, vfloat second) {
  _mm512_storeu_si512(to, (__m512i)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first));
}

/** Two vectors as bf16, element by element side by side; rounded to nearest, ties away from 0. */
static inline void store_pairs(bf16 *to, vfloat first, vfloat second) {
  const vuint low = ((vuint)first + 0x8000u) >> 16, high = ((vuint)second + 0x8000u) & 0xffff0000u;
  _mm512_storeu_si512(to, (__m512i)(low | high));
}

/** Lines [lines][columns] as pairs [lines / 2][columns][2]. */
static void pair_lines(bf16 *to, const float *from, int64_t lines, int64_t columns) {
  for (int64_t i = 0; i < lines; i += 2)
    for (int64_t j = 0; j < columns; j += LANES)
      store_pairs(to + i * columns + 2 * j, vload(from + i * columns + j), vload(from + (i + 1) * columns + j));
}

/** Elements before a block in packed keys or values. */
static inline int64_t packed_block(const struct attention *a, int64_t kv_head, int64_t block) {
  return (kv_head * a->key_blocks + block) * AMX_KEYS * a->width;
}

static void pack_block(const struct attention *a, int64_t kv_head, int64_t block, const float *tensor, bf16 *rows,
                       bf16 *columns, float *space) {
  const int64_t width = a->width, first = block * AMX_KEYS, count = smaller(AMX_KEYS, a->keys - first);
  float *lines = space, *across = space + AMX_KEYS * width;
  for (int64_t i = 0; i < count; i++)
    copy_line(a, tensor + ((first + i) * a->kv_heads + kv_head) * a->dim, 1, lines + i * width);
  memset(lines + count * width, 0, (size_t)((AMX_KEYS - count) * width) * sizeof(float));
  if (rows != NULL) {
    rows += packed_block(a, kv_head, block);
    for (int64_t i = 0; i < AMX_KEYS * width; i += 32) store_line(rows + i, vload(lines + i), vload(lines + i + 16));
  }
  if (columns != NULL) {
    columns += packed_block(a, kv_head, block);
    transpose(across, AMX_KEYS, lines, width, AMX_KEYS, width);
    for (int64_t i = 0; i < width * AMX_KEYS; i += 32) store_line(columns + i, vload(across + i), vload(across + i + 16));
  }
}

static void pack_blocks(int64_t begin, int64_t end, void *context) {
  const struct attention *a = context;
  float *space = scratch((size_t)(2 * AMX_KEYS * a->width) * sizeof(float));
  for (int64_t i = begin; i < end; i++) {
    const int64_t kv_head = i / a->key_blocks, block = i % a->key_blocks;
    pack_block(a, kv_head, block, a->k, a->packed.k_rows, a->packed.k_columns, space);
    pack_block(a, kv_head, block, a->v, a->packed.v_rows, a->packed.v_columns, space);
  }
}

/** c [32][32] = a [32][depth] · b, b as pairs [depth / 2][32][2]; strides in elements. */
static inline void multiply(float *c, const bf16 *a, int64_t a_row, const bf16 *b, int64_t depth) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t l = 0; l < depth; l += 32) {
    _tile_loadd(4, a + l, a_row * 2);
    _tile_loadd(6, b + l * 32, 128);
    _tile_loadd(7, b + l * 32 + 32, 128);
    _tile_loadd(5, a + l + 16 * a_row, a_row * 2);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, c, 128);
  _tile_stored(1, c + 16, 128);
  _tile_stored(2, c + 16 * 32, 128);
  _tile_stored(3, c + 16 * 32 + 16, 128);
}

static inline void load_sums(const float *c, int64_t c_row) {
  _tile_loadd(0, c, c_row * 4);
  _tile_loadd(1, c + 16, c_row * 4);
  _tile_loadd(2, c + 16 * c_row, c_row * 4);
  _tile_loadd(3, c + 16 * c_row + 16, c_row * 4);
}

static inline void store_sums(float *c, int64_t c_row) {
  _tile_stored(0, c, c_row * 4);
  _tile_stored(1, c + 16, c_row * 4);
  _tile_stored(2, c + 16 * c_row, c_row * 4);
  _tile_stored(3, c + 16 * c_row + 16, c_row * 4);
}

/** sums in tiles 0 to 3 += a [32][32] · b, b as pairs [16][columns][2] */
static inline void multiply_add(const bf16 *a, const bf16 *b, int64_t columns) {
  _tile_loadd(4, a, 64);
  _tile_loadd(6, b, columns * 4);
  _tile_loadd(7, b + 32, columns * 4);
  _tile_loadd(5, a + 16 * 32, 64);
  _tile_dpbf16ps(0, 4, 6);
  _tile_dpbf16ps(1, 4, 7);
  _tile_dpbf16ps(2, 5, 6);
  _tile_dpbf16ps(3, 5, 7);
}

/** 2^x for x <= 0, 0 below -126, relative error below 1e-4, a fiftieth of what rounding to bf16 adds. */
static inline vfloat exp2_coarse(vfloat x) {
  const __m512 r = _mm512_reduce_ps((__m512)x, 0x00); /* x less the nearest integer */
  vfloat p = (vfloat)r * 5.500893514e-2f + 2.422110047e-1f;
  p = p * (vfloat)r + 6.932829317e-1f;
  p = p * (vfloat)r + 1.0f;
  const __mmask16 in_range = _mm512_cmp_ps_mask((__m512)x, (__m512)vset(-126.0f), _CMP_GE_OQ);
  return (vfloat)_mm512_maskz_scalef_ps(in_range, (__m512)p, _mm512_sub_ps((__m512)x, r));
}

/** Blocks of keys that a block of rows sees, taken together. */
struct batch {
  int64_t count;
  struct key_range range[BATCH];
  int64_t block[BATCH];
};

/** The next visible blocks from `block` on; returns where to go on. */
static int64_t next_batch(const struct attention *a, const struct row_block *rows, int64_t block, struct batch *batch) {
  batch->count = 0;
  for (; batch->count < BATCH; block++) {
    block = next_live(a, rows->min_index, block);
    if (block >= a->key_blocks || block * AMX_KEYS > rows->max_index) break;
    const struct key_range range = visible_keys(a, rows, block);
    if (range.begin == range.end) continue;
    batch->range[batch->count] = range;
    batch->block[batch->count++] = block;
  }
  return block;
}

/** Lines of a block's scores that hold its visible keys, in whole pairs. */
static inline int64_t first_line(struct key_range range) {
  return range.begin % AMX_KEYS & ~1;
}

static inline int64_t last_line(struct key_range range) {
  return ((range.end - 1) % AMX_KEYS + 2) & ~1;
}

static void hide_line(float *line) {
  for (int64_t i = 0; i < ROWS; i += LANES) vstore(line + i, vset(-INFINITY));
}

/** Scores of the lines of one block that hold visible keys, -infinity where hidden. */
static inline void score_block(const struct attention *a, const struct row_block *rows, struct key_range range,
                               const bf16 *k, const bf16 *q, float *scores) {
  multiply(scores, k, a->width, q, a->width);
  if (a->cap > 0) {
    for (int64_t i = 0; i < SCORES; i += LANES) vstore(scores + i, a->cap * vtanh(vload(scores + i)));
  }
  if (range.holes) hide(a, rows, range, scores + range.begin % AMX_KEYS * ROWS);
  if (range.begin % 2 == 1) hide_line(scores + (range.begin % AMX_KEYS - 1) * ROWS);
  if (range.end % 2 == 1) hide_line(scores + range.end % AMX_KEYS * ROWS);
}

static int64_t space_amx(const struct attention *a) {
  const int64_t floats = 5 * a->width * ROWS + 2 * BATCH * SCORES, halves = 4 * a->width * ROWS + 4 * BATCH * SCORES;
  return floats * (int64_t)sizeof(float) + halves * (int64_t)sizeof(bf16);
}

static inline void raise_maximum(vfloat maximum[2], const float *scores, struct key_range range) {
  for (int64_t line = first_line(range); line < last_line(range); line++) {
    maximum[0] = vmax(maximum[0], vload(scores + line * ROWS));
    maximum[1] = vmax(maximum[1], vload(scores + line * ROWS + LANES));
  }
}

/** Weights of one block as pairs of keys, and their sum. */
static inline void weigh_block(const float *scores, struct key_range range, const vfloat base[2], vfloat sum[2],
                               bf16 *weights) {
  const int64_t first = first_line(range), last = last_line(range);
  memset(weights, 0, (size_t)(first * ROWS) * sizeof(bf16));
  memset(weights + last * ROWS, 0, (size_t)((AMX_KEYS - last) * ROWS) * sizeof(bf16));
  for (int64_t line = first; line < last; line += 2) {
    for (int64_t half = 0; half < 2; half++) {
      const float *at = scores + line * ROWS + half * LANES;
      const vfloat one = exp2_coarse(vload(at) - base[half]), two = exp2_coarse(vload(at + ROWS) - base[half]);
      sum[half] += one + two;
      store_pairs(weights + line * ROWS + half * 2 * LANES, one, two);
    }
  }
}

/** out and, unless null, lse of one block of rows. */
static void forward_amx(const struct attention *a, const struct row_block *rows, float *out, float *lse, void *space) {
  const int64_t width = a->width;
  float *by_row = space, *sums = by_row + ROWS * width, *scores = sums + width * ROWS;
  bf16 *q = (bf16 *)(scores + BATCH * SCORES), *weights = q + width * ROWS;
  vfloat maximum[2] = {vset(-INFINITY), vset(-INFINITY)}, sum[2] = {vset(0.0f), vset(0.0f)};
  gather(a, rows, a->q, a->q_factor, by_row);
  transpose(sums, ROWS, by_row, width, ROWS, width);
  pair_lines(q, sums, width, ROWS);
  memset(sums, 0, (size_t)(width * ROWS) * sizeof(float));

  struct batch batch;
  for (int64_t next = next_batch(a, rows, 0, &batch); batch.count > 0; next = next_batch(a, rows, next, &batch)) {
    const vfloat before[2] = {maximum[0], maximum[1]};
    for (int64_t i = 0; i < batch.count; i++) {
      const bf16 *k = a->packed.k_rows + packed_block(a, rows->kv_head, batch.block[i]);
      score_block(a, rows, batch.range[i], k, q, scores + i * SCORES);
      raise_maximum(maximum, scores + i * SCORES, batch.range[i]);
    }
    vfloat base[2];
    for (int64_t half = 0; half < 2; half++) {
      base[half] = vselect(maximum[half] == -INFINITY, vset(0.0f), maximum[half]);
      const vfloat shrink = exp2_down(before[half] - base[half]);
      sum[half] *= shrink;
      for (int64_t j = half * LANES; j < width * ROWS; j += ROWS) vstore(sums + j, vload(sums + j) * shrink);
    }
    for (int64_t i = 0; i < batch.count; i++)
      weigh_block(scores + i * SCORES, batch.range[i], base, sum, weights + i * SCORES);
    for (int64_t j = 0; j < width; j += 32) {
      load_sums(sums + j * ROWS, ROWS);
      for (int64_t i = 0; i < batch.count; i++) {
        const bf16 *v = a->packed.v_columns + packed_block(a, rows->kv_head, batch.block[i]);
        multiply_add(v + j * AMX_KEYS, weights + i * SCORES, ROWS);
      }
      store_sums(sums + j * ROWS, ROWS);
    }
  }

  for (int64_t half = 0; half < 2; half++) {
    const vfloat inverse = vselect(sum[half] > 0, 1.0f / sum[half], vset(0.0f));
    for (int64_t j = half * LANES; j < width * ROWS; j += ROWS) vstore(sums + j, vload(sums + j) * inverse);
  }
  transpose(by_row, width, sums, ROWS, width, ROWS);
  scatter(a, rows, by_row, out);
  if (lse != NULL) store_lse(a, rows, (const float *)maximum, (const float *)sum, lse);
}

/** Probabilities and gradients of q·k of one block: both as lines of rows, the latter also as pairs of keys. */
static inline void differentiate_block(const struct attention *a, struct key_range range, const float *scores,
                                       const float *slopes, const float *lse, const float *delta, bf16 *weights,
                                       bf16 *slope_lines, bf16 *slope_pairs) {
  const int64_t first = first_line(range), last = last_line(range);
  bf16 *outputs[] = {weights, slope_lines, slope_pairs};
  for (int64_t i = 0; i < 3; i++) {
    memset(outputs[i], 0, (size_t)(first * ROWS) * sizeof(bf16));
    memset(outputs[i] + last * ROWS, 0, (size_t)((AMX_KEYS - last) * ROWS) * sizeof(bf16));
  }
  const vfloat base[2] = {vload(lse), vload(lse + LANES)}, mean[2] = {vload(delta), vload(delta + LANES)};
  for (int64_t line = first; line < last; line += 2) {
    vfloat slope[2][2];
    for (int64_t key = 0; key < 2; key++) {
      vfloat weight[2];
      for (int64_t half = 0; half < 2; half++) {
        const int64_t at = (line + key) * ROWS + half * LANES;
        const vfloat score = vload(scores + at);
        weight[half] = exp2_coarse(score - base[half]);
        slope[key][half] = weight[half] * (vload(slopes + at) - mean[half]);
        if (a->cap > 0) {
          const vfloat squeezed = vmax(score, vset(-a->cap)) / a->cap;
          slope[key][half] *= 1.0f - squeezed * squeezed;
        }
      }
      store_line(weights + (line + key) * ROWS, weight[0], weight[1]);
      store_line(slope_lines + (line + key) * ROWS, slope[key][0], slope[key][1]);
    }
    store_pairs(slope_pairs + line * ROWS, slope[0][0], slope[1][0]);
    store_pairs(slope_pairs + line * ROWS + 2 * LANES, slope[0][1], slope[1][1]);
  }
}

/** sums [32][width] += a [32][32] · b, b as pairs [16][width][2] */
static inline void add_product(float *sums, int64_t width, const bf16 *a, const bf16 *b) {
  for (int64_t j = 0; j < width; j += 32) {
    load_sums(sums + j, width);
    multiply_add(a, b + 2 * j, width);
    store_sums(sums + j, width);
  }
}

/** dq and delta of one block of rows, and its share in the gradients of each key block. */
static void backward_amx(const struct attention *a, const struct row_block *rows, const struct upstream *up,
                         const struct key_gradients *gradients, void *space) {
  const int64_t width = a->width, size = ROWS * width;
  float *by_row = space, *by_column = by_row + size, *dq = by_column + size;
  float *scores = dq + size, *slopes = scores + SCORES;
  bf16 *q = (bf16 *)(slopes + SCORES), *dout = q + size, *q_rows = dout + size, *dout_rows = q_rows + size;
  bf16 *weights = dout_rows + size, *slope_lines = weights + SCORES, *slope_pairs = slope_lines + SCORES;
  float lse[ROWS] __attribute__((aligned(64))), delta[ROWS] __attribute__((aligned(64)));
  gather(a, rows, a->q, a->q_factor, by_row);
  pair_lines(q_rows, by_row, ROWS, width);
  transpose(by_column, ROWS, by_row, width, ROWS, width);
  pair_lines(q, by_column, width, ROWS);
  gather(a, rows, up->out, 1, dq);
  gather(a, rows, up->dout, 1, by_row);
  find_deltas(a, rows, up, by_row, dq, lse, delta);
  pair_lines(dout_rows, by_row, ROWS, width);
  transpose(by_column, ROWS, by_row, width, ROWS, width);
  pair_lines(dout, by_column, width, ROWS);
  memset(dq, 0, (size_t)size * sizeof(float));

  struct batch batch;
  for (int64_t next = next_batch(a, rows, 0, &batch); batch.count > 0; next = next_batch(a, rows, next, &batch)) {
    for (int64_t i = 0; i < batch.count; i++) {
      const int64_t at = packed_block(a, rows->kv_head, batch.block[i]);
      const struct key_gradients *sums = gradients + batch.block[i];
      score_block(a, rows, batch.range[i], a->packed.k_rows + at, q, scores);
      multiply(slopes, a->packed.v_rows + at, width, dout, width);
      differentiate_block(a, batch.range[i], scores, slopes, lse, delta, weights, slope_lines,
                          slope_pairs + i * SCORES);
      add_product(sums->dv, width, weights, dout_rows);
      add_product(sums->dk, width, slope_lines, q_rows);
    }
    for (int64_t j = 0; j < width; j += 32) {
      load_sums(dq + j * ROWS, ROWS);
      for (int64_t i = 0; i < batch.count; i++) {
        const bf16 *k = a->packed.k_columns + packed_block(a, rows->kv_head, batch.block[i]);
        multiply_add(k + j * AMX_KEYS, slope_pairs + i * SCORES, ROWS);
      }
      store_sums(dq + j * ROWS, ROWS);
    }
  }

  for (int64_t i = 0; i < size; i += LANES) vstore(dq + i, vload(dq + i) * a->scale);
  transpose(by_row, width, dq, ROWS, width, ROWS);
  scatter(a, rows, by_row, up->dq);
}

#endif
#endif
