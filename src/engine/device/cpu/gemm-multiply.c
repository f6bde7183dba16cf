/** The innermost loops: tiles times tiles, on AMX, with AVX-512 products of bf16 pairs, or with fused multiply-adds. */
#include "gemm.h"

#if defined(__AMX_BF16__) && defined(__AMX_TILE__)

/** Tiles 0 to 3 are sums, 4 and 5 of A, 6 and 7 of B. */
static inline __attribute__((always_inline)) void multiply_amx(const struct tile_sums *sums, const uint32_t *a,
                                                               const uint32_t *b, int64_t depth, const int rows,
                                                               const int columns) {
  const uint32_t *a1 = a + depth * TILE_WORDS, *b1 = b + depth * TILE_WORDS;
  float *right = sums->data + TILE, *below = sums->data + TILE * sums->stride, *across = below + TILE;
  int64_t stride = sums->stride * 4;
  /* Tile instructions do not tell the compiler what memory they read: what was packed must be there. */
  __asm__ volatile("" : : : "memory");
  if (sums->resume) {
    _tile_loadd(0, sums->data, stride);
    if (columns == 2) _tile_loadd(1, right, stride);
    if (rows == 2) _tile_loadd(2, below, stride);
    if (rows == 2 && columns == 2) _tile_loadd(3, across, stride);
  } else {
    _tile_zero(0);
    if (columns == 2) _tile_zero(1);
    if (rows == 2) _tile_zero(2);
    if (rows == 2 && columns == 2) _tile_zero(3);
  }
  for (int64_t i = 0; i < depth * TILE_WORDS; i += TILE_WORDS) {
    _tile_loadd(6, b + i, 64);
    _tile_loadd(4, a + i, 64);
    _tile_dpbf16ps(0, 4, 6);
    if (columns == 2) {
      _tile_loadd(7, b1 + i, 64);
      _tile_dpbf16ps(1, 4, 7);
    }
    if (rows == 2) {
      _tile_loadd(5, a1 + i, 64);
      _tile_dpbf16ps(2, 5, 6);
      if (columns == 2) _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, sums->data, stride);
  if (columns == 2) _tile_stored(1, right, stride);
  if (rows == 2) _tile_stored(2, below, stride);
  if (rows == 2 && columns == 2) _tile_stored(3, across, stride);
}

static void multiply_on_amx(const struct tile_sums *sums, const uint32_t *a, const uint32_t *b, int64_t depth,
                            int rows, int columns) {
  if (rows == 2 && columns == 2) multiply_amx(sums, a, b, depth, 2, 2);
  else if (rows == 2) multiply_amx(sums, a, b, depth, 2, 1);
  else if (columns == 2) multiply_amx(sums, a, b, depth, 1, 2);
  else multiply_amx(sums, a, b, depth, 1, 1);
}

static int use_amx(enum content content) {
  return content == CONTENT_BF16_PAIR && amx_available();
}

void multiply_begin(enum content content) {
  if (!use_amx(content)) return;
  /*
   * Palette 1; all eight tiles have 16 rows of 64 bytes. Static, because GCC 12 does not know that the instruction
   * reads more than the first eight bytes, and would drop the stores of the rest.
   */
  static const struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
  } __attribute__((aligned(64))) config = {
    .palette = 1, .bytes = {64, 64, 64, 64, 64, 64, 64, 64}, .rows = {16, 16, 16, 16, 16, 16, 16, 16}};
  _tile_loadconfig(&config);
}

void multiply_end(enum content content) {
  if (use_amx(content)) _tile_release();
}

#else

void multiply_begin(enum content content) {
  (void)content;
}

void multiply_end(enum content content) {
  (void)content;
}

#endif

enum {
#if LANES == 16
  /** Vectors across and rows down of the sums held in registers. */
  ACROSS = 2,
  DOWN = 8,
#else
  ACROSS = TILE / LANES,
  DOWN = 4,
#endif
};

/** sum + word · column, where a word is one f32 (pairs 0) or two bf16. */
static inline __attribute__((always_inline)) vfloat add_product(vfloat sum, const uint32_t *word, vfloat column,
                                                               const int pairs) {
#if defined(__AVX512BF16__)
  if (pairs) return (vfloat)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32((int)*word), (__m512bh)column);
#else
  (void)pairs;
#endif
  float value;
  memcpy(&value, word, sizeof value);
  return sum + value * column;
}

/**
 * DOWN rows of sums. `a` points to the first of these rows in a left tile, `b` to right tiles; `second` words further
 * lies the next column tile, for vectors as wide as a tile.
 */
static inline __attribute__((always_inline)) void multiply_vectors(const struct tile_sums *sums, const uint32_t *a,
                                                                   const uint32_t *b, int64_t depth, int64_t second,
                                                                   const int across, const int pairs) {
  vfloat sum[DOWN][ACROSS];
  for (int r = 0; r < DOWN; r++)
    for (int v = 0; v < across; v++)
      sum[r][v] = sums->resume ? vload(sums->data + r * sums->stride + v * LANES) : vset(0);
  for (int64_t at = 0; at < depth * TILE_WORDS; at += TILE_WORDS) {
    for (int w = 0; w < TILE; w++) {
      const uint32_t *line = b + at + w * TILE;
      vfloat column[ACROSS];
      for (int v = 0; v < across; v++) memcpy(&column[v], line + v * (LANES == TILE ? second : LANES), sizeof *column);
      for (int r = 0; r < DOWN; r++)
        for (int v = 0; v < across; v++) sum[r][v] = add_product(sum[r][v], a + at + r * TILE + w, column[v], pairs);
    }
  }
  for (int r = 0; r < DOWN; r++)
    for (int v = 0; v < across; v++) vstore(sums->data + r * sums->stride + v * LANES, sum[r][v]);
}

void multiply_tiles(const struct tile_sums *sums, const uint32_t *a, const uint32_t *b, int64_t depth, int row_tiles,
                    int column_tiles, enum content content) {
#if defined(__AMX_BF16__) && defined(__AMX_TILE__)
  if (use_amx(content)) {
    multiply_on_amx(sums, a, b, depth, row_tiles, column_tiles);
    return;
  }
#endif
  for (int64_t r = 0; r < row_tiles * TILE; r += DOWN) {
    const uint32_t *rows = a + r / TILE * depth * TILE_WORDS + r % TILE * TILE;
    struct tile_sums part = *sums;
    part.data += r * sums->stride;
#if LANES == 16
    const int pairs = content == CONTENT_BF16_PAIR;
    const int64_t second = depth * TILE_WORDS;
    if (column_tiles == 2 && pairs) multiply_vectors(&part, rows, b, depth, second, 2, 1);
    else if (column_tiles == 2) multiply_vectors(&part, rows, b, depth, second, 2, 0);
    else if (pairs) multiply_vectors(&part, rows, b, depth, second, 1, 1);
    else multiply_vectors(&part, rows, b, depth, second, 1, 0);
#else
    (void)content; /* f32 in any case: pairs need AVX-512 */
    for (int c = 0; c < column_tiles; c++, part.data += TILE)
      multiply_vectors(&part, rows, b + c * depth * TILE_WORDS, depth, 0, ACROSS, 0);
#endif
  }
}
