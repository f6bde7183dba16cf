/** Which keys a block of rows sees, and how its rows get from tensors into vectors and back. */
#ifndef ATTENTION_LAYOUT_H
#define ATTENTION_LAYOUT_H

#include "attention-blocks.h"

/** Elements of each array of extremes. */
static int64_t extremes_length(const struct attention *a) {
  return round_up(a->key_blocks, LANES);
}

/** Fills the arrays of extremes, which lie in `space` one after the other. */
static void find_extremes(struct attention *a, int32_t *space) {
  const int64_t length = extremes_length(a);
  struct key_blocks *e = &a->extremes;
  *e = (struct key_blocks){space, space + length, space + 2 * length, space + 3 * length};
  for (int64_t block = 0; block < length; block++) {
    const int64_t begin = block * a->block_keys, end = smaller(begin + a->block_keys, a->keys);
    int32_t min_expiry = INT32_MAX, max_expiry = INT32_MIN, min_position = INT32_MAX, max_position = INT32_MIN;
    for (int64_t key = begin; key < end; key++) {
      const int32_t expiry = a->expiry[key], position = a->key_position[key];
      min_expiry = expiry < min_expiry ? expiry : min_expiry;
      max_expiry = expiry > max_expiry ? expiry : max_expiry;
      min_position = position < min_position ? position : min_position;
      max_position = position > max_position ? position : max_position;
    }
    e->min_expiry[block] = min_expiry;
    e->max_expiry[block] = max_expiry;
    e->min_position[block] = min_position;
    e->max_position[block] = max_position;
  }
}

/** The kernels' arguments from q on, without the extremes of key blocks. */
static struct attention read_attention(const double *args, const struct passes *passes) {
  const double log2_e = 1.44269504088896340736;
  struct attention a = {
      .q = PTR(const float, 0),
      .k = PTR(const float, 1),
      .v = PTR(const float, 2),
      .index = PTR(const int32_t, 3),
      .expiry = PTR(const int32_t, 4),
      .query_position = PTR(const int32_t, 5),
      .key_position = PTR(const int32_t, 6),
      .queries = INT(7),
      .keys = INT(8),
      .heads = INT(9),
      .kv_heads = INT(10),
      .dim = INT(11),
      .scale = (float)NUM(12),
      .window = INT(13),
      .q_factor = (float)(NUM(14) > 0 ? NUM(12) / NUM(14) : NUM(12) * log2_e),
      .cap = (float)(NUM(14) * log2_e),
  };
  a.group = a.heads / a.kv_heads;
  a.row_blocks = (a.queries * a.group + ROWS - 1) / ROWS;
  a.block_keys = passes->block_keys;
  a.key_blocks = (a.keys + a.block_keys - 1) / a.block_keys;
  a.width = round_up(a.dim, passes->width_unit);
  return a;
}

static void take_rows(const struct attention *a, int64_t kv_head, int64_t number, struct row_block *rows) {
  const int64_t begin = number * ROWS;
  int64_t query = begin / a->group, member = begin % a->group;
  rows->kv_head = kv_head;
  rows->count = smaller(ROWS, a->queries * a->group - begin);
  rows->min_position = rows->max_position = a->query_position[query];
  for (int64_t i = 0; i < rows->count; i++) {
    const int32_t position = a->query_position[query];
    rows->place[i] = query * a->heads + kv_head * a->group + member;
    rows->index[i] = a->index[query];
    rows->position[i] = position;
    if (position < rows->min_position) rows->min_position = position;
    if (position > rows->max_position) rows->max_position = position;
    if (++member == a->group) member = 0, query++;
  }
  for (int64_t i = rows->count; i < ROWS; i++) rows->index[i] = -1, rows->position[i] = 0;
  rows->min_index = rows->index[0];
  rows->max_index = rows->index[rows->count - 1];
}

/** The first key block from `block` on that has a key which has not expired for all of the rows. */
static inline int64_t next_live(const struct attention *a, int32_t min_index, int64_t block) {
#if defined(__AVX512F__)
  for (; block < a->key_blocks; block = (block / LANES + 1) * LANES) {
    const __m512i expiry = _mm512_load_si512(a->extremes.max_expiry + block / LANES * LANES);
    const uint32_t live = _mm512_cmpgt_epi32_mask(expiry, _mm512_set1_epi32(min_index)) >> block % LANES;
    if (live != 0) return block + __builtin_ctz(live);
  }
#else
  while (block < a->key_blocks && a->extremes.max_expiry[block] <= min_index) block++;
#endif
  return block;
}

/** Whether rows with these extremes may see a key of the block, as far as the block's extremes tell. */
static int may_see(const struct attention *a, int32_t min_index, int32_t max_index, int32_t min_position,
                   int64_t block) {
  if (block * a->block_keys > max_index || a->extremes.max_expiry[block] <= min_index) return 0;
  return a->window == 0 || min_position - a->extremes.max_position[block] < a->window;
}

/** The part of a key block that the rows see; empty where they see none of it. */
static struct key_range visible_keys(const struct attention *a, const struct row_block *rows, int64_t block) {
  struct key_range range = {block * a->block_keys, smaller((block + 1) * a->block_keys, a->keys), 0};
  if (!may_see(a, rows->min_index, rows->max_index, rows->min_position, block)) {
    range.end = range.begin;
    return range;
  }
  range.end = smaller(range.end, (int64_t)rows->max_index + 1);
  range.holes = range.end - 1 > rows->min_index || a->extremes.min_expiry[block] <= rows->max_index ||
                (a->window != 0 && rows->max_position - a->extremes.min_position[block] >= a->window);
  if (a->extremes.min_expiry[block] > rows->min_index) return range;
  while (range.begin < range.end && a->expiry[range.begin] <= rows->min_index) range.begin++;
  while (range.begin < range.end && a->expiry[range.end - 1] <= rows->min_index) range.end--;
  return range;
}

/** Finds the first block from *block on of which the rows see something; returns 0 if there is none. */
static inline int next_visible(const struct attention *a, const struct row_block *rows, int64_t *block,
                               struct key_range *range) {
  for (;; (*block)++) {
    *block = next_live(a, rows->min_index, *block);
    if (*block >= a->key_blocks || *block * a->block_keys > rows->max_index) return 0;
    *range = visible_keys(a, rows, *block);
    if (range->begin < range->end) return 1;
  }
}

/** Makes the scores [key - range.begin][ROWS] that a row does not see -infinity. */
static void hide(const struct attention *a, const struct row_block *rows, struct key_range range, float *scores) {
  const vfloat hidden = vset(-INFINITY);
  for (int64_t key = range.begin; key < range.end; key++) {
    const int32_t expiry = a->expiry[key], position = a->key_position[key];
    int all_see = key <= rows->min_index && expiry > rows->max_index;
    if (all_see && (a->window == 0 || rows->max_position - position < a->window)) continue;
    float *line = scores + (key - range.begin) * ROWS;
    for (int64_t i = 0; i < ROWS; i += LANES) {
      const vint index = *(const vint *)(rows->index + i);
      vint visible = (index >= (int32_t)key) & (index < expiry);
      if (a->window != 0) visible &= *(const vint *)(rows->position + i) - position < (int32_t)a->window;
      vstore(line + i, vselect(visible, vload(line + i), hidden));
    }
  }
}

/** Brings one of `shares` shares of the block's rows of a tensor like q nearer, for use in a while. */
static inline void prefetch_rows(const struct attention *a, const struct row_block *rows, const float *tensor,
                                 int64_t share, int64_t shares) {
  const int64_t end = rows->count * (share + 1) / shares;
  for (int64_t i = rows->count * share / shares; i < end; i++) {
    const char *row = (const char *)(tensor + rows->place[i] * a->dim);
    for (int64_t at = 0; at < a->dim * (int64_t)sizeof(float); at += 64) __builtin_prefetch(row + at, 0, 2);
  }
}

/** A vector of a line of `dim` elements from j on; 0 past its end. */
static inline vfloat load_line(const float *line, int64_t j, int64_t dim) {
  return dim - j >= LANES ? vload(line + j) : dim > j ? vload_part(line + j, dim - j) : vset(0.0f);
}

/** to [ROWS][width] = factor times the block's rows of a tensor like q; 0 past the last row and the last column. */
static void gather(const struct attention *a, const struct row_block *rows, const float *tensor, float factor,
                   float *to) {
  for (int64_t i = 0; i < rows->count; i++) {
    const float *from = tensor + rows->place[i] * a->dim;
    for (int64_t j = 0; j < a->width; j += LANES) vstore(to + i * a->width + j, load_line(from, j, a->dim) * factor);
  }
  memset(to + rows->count * a->width, 0, (size_t)((ROWS - rows->count) * a->width) * sizeof(float));
}

/** The block's rows of a tensor like q = from [ROWS][width]. */
static void scatter(const struct attention *a, const struct row_block *rows, const float *from, float *tensor) {
  for (int64_t i = 0; i < rows->count; i++, from += a->width) {
    float *to = tensor + rows->place[i] * a->dim;
    int64_t j = 0;
    for (; j + LANES <= a->dim; j += LANES) vstore(to + j, vload(from + j));
    if (j < a->dim) vstore_part(to + j, vload(from + j), a->dim - j);
  }
}

/** lse of the block's rows, from the maxima and sums of their lanes, in base 2. */
static void store_lse(const struct row_block *rows, const float *maximum, const float *sum, float *lse) {
  float natural[ROWS];
  for (int64_t i = 0; i < ROWS; i += LANES)
    vstore(natural + i, (vload(maximum + i) + log2_of(vload(sum + i))) * 0.693147181f);
  for (int64_t i = 0; i < rows->count; i++) lse[rows->place[i]] = natural[i];
}

#if defined(__AVX512F__)
static inline void transpose_square(float *to, int64_t to_stride, const float *from, int64_t from_stride,
                                    const float *factors) {
  __m512 x[16], y[16];
  for (int i = 0; i < 16; i++) {
    x[i] = _mm512_loadu_ps(from + i * from_stride);
    if (factors) x[i] *= _mm512_loadu_ps(factors);
  }
  for (int i = 0; i < 8; i++) {
    y[2 * i] = _mm512_unpacklo_ps(x[2 * i], x[2 * i + 1]);
    y[2 * i + 1] = _mm512_unpackhi_ps(x[2 * i], x[2 * i + 1]);
  }
  /* x[4g + j]: column 4c + j of rows 4g .. 4g + 3 in 128-bit part c. */
  for (int i = 0; i < 4; i++) {
    x[4 * i] = (__m512)_mm512_unpacklo_pd((__m512d)y[4 * i], (__m512d)y[4 * i + 2]);
    x[4 * i + 1] = (__m512)_mm512_unpackhi_pd((__m512d)y[4 * i], (__m512d)y[4 * i + 2]);
    x[4 * i + 2] = (__m512)_mm512_unpacklo_pd((__m512d)y[4 * i + 1], (__m512d)y[4 * i + 3]);
    x[4 * i + 3] = (__m512)_mm512_unpackhi_pd((__m512d)y[4 * i + 1], (__m512d)y[4 * i + 3]);
  }
  for (int j = 0; j < 4; j++) {
    __m512 low_even = _mm512_shuffle_f32x4(x[j], x[4 + j], 0x88), low_odd = _mm512_shuffle_f32x4(x[j], x[4 + j], 0xdd);
    __m512 high_even = _mm512_shuffle_f32x4(x[8 + j], x[12 + j], 0x88);
    __m512 high_odd = _mm512_shuffle_f32x4(x[8 + j], x[12 + j], 0xdd);
    _mm512_storeu_ps(to + j * to_stride, _mm512_shuffle_f32x4(low_even, high_even, 0x88));
    _mm512_storeu_ps(to + (4 + j) * to_stride, _mm512_shuffle_f32x4(low_odd, high_odd, 0x88));
    _mm512_storeu_ps(to + (8 + j) * to_stride, _mm512_shuffle_f32x4(low_even, high_even, 0xdd));
    _mm512_storeu_ps(to + (12 + j) * to_stride, _mm512_shuffle_f32x4(low_odd, high_odd, 0xdd));
  }
}
#else
static inline void transpose_square(float *to, int64_t to_stride, const float *from, int64_t from_stride,
                                    const float *factors) {
  for (int64_t r = 0; r < LANES; r++)
    for (int64_t c = 0; c < LANES; c++)
      to[c * to_stride + r] = from[r * from_stride + c] * (factors ? factors[c] : 1);
}
#endif

/** to[c][r] = from[r][c], times factors[c] unless null; rows and columns are multiples of LANES. */
static inline void transpose(float *to, int64_t to_stride, const float *from, int64_t from_stride, int64_t rows,
                             int64_t columns, const float *factors) {
  for (int64_t r = 0; r < rows; r += LANES)
    for (int64_t c = 0; c < columns; c += LANES)
      transpose_square(to + c * to_stride + r, to_stride, from + r * from_stride + c, from_stride,
                       factors ? factors + c : NULL);
}

/** What backward begins with: delta = dout·out of each row, and lse in base 2, infinite for rows that see nothing. */
static void find_deltas(const struct attention *a, const struct row_block *rows, const struct upstream *up, float *lse,
                        float *delta) {
  for (int64_t i = 0; i < ROWS; i++) {
    lse[i] = INFINITY;
    delta[i] = 0;
    if (i >= rows->count) continue;
    const int64_t place = rows->place[i];
    const float *dout = up->dout + place * a->dim, *out = up->out + place * a->dim;
    vfloat product = vset(0.0f);
    for (int64_t j = 0; j < a->dim; j += LANES) product += load_line(dout, j, a->dim) * load_line(out, j, a->dim);
    up->delta[place] = delta[i] = vsum(product);
    if (up->lse[place] > -INFINITY) lse[i] = up->lse[place] * 1.44269504f;
  }
}

#endif
