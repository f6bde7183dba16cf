/**
 * Products of bf16 blocks on AMX tiles, with f32 sums. One tile instruction is c [16][16] += a [16][32] · b [32][16],
 * where b comes as pairs of lines: [16][16][2]. Tile instructions do not tell the compiler what memory they read, hence
 * settle() before they read what was just written.
 */
#ifndef ATTENTION_TILES_H
#define ATTENTION_TILES_H

#include "attention-layout.h"

#if defined(__AMX_BF16__) && defined(__AMX_TILE__) && defined(__AVX512BF16__)
#define ATTENTION_AMX 1

/** Keys of a block, and what dim is rounded up to: both the depth of a tile product. */
enum { AMX_KEYS = 32, AMX_WIDTH = 32 };

/** Elements of a block of scores, [AMX_KEYS][ROWS]. */
enum { SCORES = AMX_KEYS * ROWS };

static inline void settle(const void *written) {
  __asm__ volatile("" : : "r"(written) : "memory");
}

/** Goes before tile products on a thread, release_tiles after them. All eight tiles are 16 lines of 64 bytes. */
static void configure_tiles(void) {
  struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  } configuration = {.palette = 1};
  for (int i = 0; i < 8; i++) configuration.row_bytes[i] = 64, configuration.rows[i] = 16;
  settle(&configuration);
  _tile_loadconfig(&configuration);
}

static void release_tiles(void) {
  _tile_release();
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

/**
 * The block's rows of a tensor like q, times factor: pairs of rows [ROWS / 2][width][2], unless null, and pairs of
 * columns [width / 2][ROWS][2]; 0 past the last row and the last column. `lines` is space for [ROWS][width].
 */
static void gather_pairs(const struct attention *a, const struct row_block *rows, const float *tensor, float factor,
                         bf16 *lines, bf16 *row_pairs, bf16 *column_pairs) {
  static const float nothing[1];
  const int64_t width = a->width;
  for (int64_t i = 0; i < ROWS; i += 2) {
    const int64_t dim = i < rows->count ? a->dim : 0, next_dim = i + 1 < rows->count ? a->dim : 0;
    const float *line = dim ? tensor + rows->place[i] * a->dim : nothing;
    const float *next = next_dim ? tensor + rows->place[i + 1] * a->dim : nothing;
    for (int64_t j = 0; j < width; j += 32) {
      const vfloat x0 = load_line(line, j, dim) * factor, x1 = load_line(line, j + 16, dim) * factor;
      const vfloat y0 = load_line(next, j, next_dim) * factor, y1 = load_line(next, j + 16, next_dim) * factor;
      store_line(lines + i * width + j, x0, x1);
      store_line(lines + (i + 1) * width + j, y0, y1);
      if (row_pairs == NULL) continue;
      store_pairs(row_pairs + i * width + 2 * j, x0, y0);
      store_pairs(row_pairs + i * width + 2 * j + 32, x1, y1);
    }
  }
  /* Two columns side by side are one 32-bit element. */
  transpose((float *)column_pairs, ROWS, (const float *)lines, width / 2, ROWS, width / 2, NULL);
}

/** Elements before a block in packed keys or values. */
static inline int64_t packed_block(const struct attention *a, int64_t kv_head, int64_t block) {
  return (kv_head * a->key_blocks + block) * AMX_KEYS * a->width;
}

/** Rows [AMX_KEYS][width] and columns [width][AMX_KEYS] of a block of k or v; `pairs` is space for one block. */
static void pack_block(const struct attention *a, int64_t kv_head, int64_t block, const float *tensor, bf16 *rows,
                       bf16 *columns, bf16 *pairs) {
  static const float nothing[1];
  const int64_t width = a->width, at = packed_block(a, kv_head, block);
  for (int64_t i = 0; i < AMX_KEYS; i += 2) {
    const int64_t key = block * AMX_KEYS + i;
    const int64_t dim = key < a->keys ? a->dim : 0, next_dim = key + 1 < a->keys ? a->dim : 0;
    const float *line = dim ? tensor + (key * a->kv_heads + kv_head) * a->dim : nothing;
    const float *next = next_dim ? tensor + ((key + 1) * a->kv_heads + kv_head) * a->dim : nothing;
    for (int64_t j = 0; j < width; j += 32) {
      const vfloat x0 = load_line(line, j, dim), x1 = load_line(line, j + 16, dim);
      const vfloat y0 = load_line(next, j, next_dim), y1 = load_line(next, j + 16, next_dim);
      if (rows != NULL) {
        store_line(rows + at + i * width + j, x0, x1);
        store_line(rows + at + (i + 1) * width + j, y0, y1);
      }
      store_pairs(pairs + i * width + 2 * j, x0, y0);
      store_pairs(pairs + i * width + 2 * j + 32, x1, y1);
    }
  }
  /* Two keys side by side are one 32-bit element. */
  if (columns != NULL)
    transpose((float *)(columns + at), AMX_KEYS / 2, (const float *)pairs, width, AMX_KEYS / 2, width, NULL);
}

static void pack_blocks(int64_t begin, int64_t end, void *context) {
  const struct attention *a = context;
  bf16 *pairs = scratch((size_t)(AMX_KEYS * a->width) * sizeof(bf16));
  for (int64_t i = begin; i < end; i++) {
    const int64_t block = i / a->kv_heads, kv_head = i % a->kv_heads;
    pack_block(a, kv_head, block, a->k, a->packed.k_rows, a->packed.k_columns, pairs);
    pack_block(a, kv_head, block, a->v, a->packed.v_rows, a->packed.v_columns, pairs);
  }
}

static inline void clear_tiles(void) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

/** Tiles 0 to 3 = c, a block of 2 by 2 tiles, or 0 where nothing has been written to it. */
static inline void begin_sums(const float *c, int64_t c_row, int written) {
  if (!written) {
    clear_tiles();
    return;
  }
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

/** Tiles 0 to 3 += a [32][32] · b; a line of a and a line of pairs of b are a_row and b_row elements long. */
static inline void multiply_add(const bf16 *a, int64_t a_row, const bf16 *b, int64_t b_row) {
  _tile_loadd(4, a, a_row * 2);
  _tile_loadd(6, b, b_row * 2);
  _tile_loadd(7, b + 32, b_row * 2);
  _tile_loadd(5, a + 16 * a_row, a_row * 2);
  _tile_dpbf16ps(0, 4, 6);
  _tile_dpbf16ps(1, 4, 7);
  _tile_dpbf16ps(2, 5, 6);
  _tile_dpbf16ps(3, 5, 7);
}

/** scores [AMX_KEYS][ROWS] = start [ROWS] in each line + keys [AMX_KEYS][width] · rows, pairs [width / 2][ROWS][2]. */
static inline void multiply(float *scores, const float *start, const bf16 *keys, const bf16 *rows, int64_t width) {
  _tile_loadd(0, start, 0);
  _tile_loadd(1, start + 16, 0);
  _tile_loadd(2, start, 0);
  _tile_loadd(3, start + 16, 0);
  for (int64_t l = 0; l < width; l += 32) multiply_add(keys + l, width, rows + l * ROWS, 2 * ROWS);
  store_sums(scores, ROWS);
}

#endif
#endif
