/** Packing of matrices into tiles, with rounding to bf16 on the way. */
#include "gemm.h"

enum content gemm_content(int precision) {
  if (precision == 0) return CONTENT_F32;
#if defined(__AVX512BF16__)
  return CONTENT_BF16_PAIR;
#else
  return CONTENT_ROUNDED;
#endif
}

#if defined(__AVX512F__)

static inline void transpose(__m512i row[TILE]) {
  __m512i pairs[TILE], fours[TILE];
  for (int i = 0; i < TILE; i += 2) {
    pairs[i] = _mm512_unpacklo_epi32(row[i], row[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_epi32(row[i], row[i + 1]);
  }
  for (int i = 0; i < TILE; i += 4) {
    fours[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
    fours[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
    fours[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
    fours[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
  }
  /* fours[4 g + c] holds, in its 128-bit lane q, column 4 q + c of rows 4 g to 4 g + 3: gather lanes by column. */
  for (int c = 0; c < 4; c++) {
    __m512i low01 = _mm512_shuffle_i32x4(fours[c], fours[4 + c], 0x44);
    __m512i low23 = _mm512_shuffle_i32x4(fours[8 + c], fours[12 + c], 0x44);
    __m512i high01 = _mm512_shuffle_i32x4(fours[c], fours[4 + c], 0xee);
    __m512i high23 = _mm512_shuffle_i32x4(fours[8 + c], fours[12 + c], 0xee);
    row[c] = _mm512_shuffle_i32x4(low01, low23, 0x88);
    row[4 + c] = _mm512_shuffle_i32x4(low01, low23, 0xdd);
    row[8 + c] = _mm512_shuffle_i32x4(high01, high23, 0x88);
    row[12 + c] = _mm512_shuffle_i32x4(high01, high23, 0xdd);
  }
}

#if defined(__AVX512BF16__)

/** Two rows of 16 floats, or of 16 bf16, as pairs of bf16: element i of the first in the low half of word i. */
static inline __m512i interleave(const char *first, const char *second, int is_bf16) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                         21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  __m512i halves;
  if (is_bf16) {
    halves = _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)first));
    halves = _mm512_inserti64x4(halves, _mm256_loadu_si256((const __m256i *)second), 1);
  } else {
    halves = (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(second), _mm512_loadu_ps(first));
  }
  return _mm512_permutexvar_epi16(order, halves);
}

#endif

/** Row i of a tile as memory runs: 16 words of neighbours. */
static inline __attribute__((always_inline)) __m512i load_words(const char *from, int64_t stride, int i,
                                                               const int is_bf16, const int along,
                                                               enum content content) {
#if defined(__AVX512BF16__)
  if (content == CONTENT_BF16_PAIR) {
    const char *at = from + (along ? i : 2 * i) * stride;
    if (!along) return interleave(at, at + stride, is_bf16);
    if (is_bf16) return _mm512_loadu_si512(at);
    return (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(at + 64), _mm512_loadu_ps(at));
  }
#endif
  const char *at = from + i * stride;
  if (is_bf16) return (__m512i)vload_bf16((const bf16 *)at);
  vfloat value = vload((const float *)at);
  return (__m512i)(content == CONTENT_ROUNDED ? vround_bf16(value) : value);
}

static inline __attribute__((always_inline)) void pack_as(uint32_t *tile, const char *from, int64_t stride,
                                                          const int is_bf16, const int along, enum content content,
                                                          int right) {
  if (along != right) {
    for (int i = 0; i < TILE; i++)
      _mm512_store_si512(tile + i * TILE, load_words(from, stride, i, is_bf16, along, content));
    return;
  }
  /* A left tile wants the contraction along its rows, a right tile the columns: not as memory has it. */
  __m512i row[TILE];
  for (int i = 0; i < TILE; i++) row[i] = load_words(from, stride, i, is_bf16, along, content);
  transpose(row);
  for (int i = 0; i < TILE; i++) _mm512_store_si512(tile + i * TILE, row[i]);
}

static void pack_whole(uint32_t *tile, const char *from, int64_t stride, int is_bf16, int along, enum content content,
                       int right) {
  if (is_bf16 && along) pack_as(tile, from, stride, 1, 1, content, right);
  else if (is_bf16) pack_as(tile, from, stride, 1, 0, content, right);
  else if (along) pack_as(tile, from, stride, 0, 1, content, right);
  else pack_as(tile, from, stride, 0, 0, content, right);
}

#else

static inline float element(const struct operand *source, int64_t outer, int64_t at) {
  int64_t index = source->along ? outer * source->stride + at : at * source->stride + outer;
  return source->is_bf16 ? bf16_to_float(((const bf16 *)source->data)[index]) : ((const float *)source->data)[index];
}

/** Any tile, also at the edges, one element at a time. */
static void pack_plainly(uint32_t *tile, const struct operand *source, int64_t outer, int64_t at, int64_t outers,
                         int64_t count, enum content content, int right) {
  memset(tile, 0, TILE_WORDS * sizeof *tile);
  for (int64_t o = 0; o < outers; o++) {
    for (int64_t t = 0; t < count; t++) {
      float value = element(source, outer + o, at + t);
      int64_t word = content == CONTENT_BF16_PAIR ? t / 2 : t;
      uint32_t *to = &tile[right ? word * TILE + o : o * TILE + word];
      if (content == CONTENT_BF16_PAIR) {
        *to |= (uint32_t)bf16_from_float(value) << (t % 2 * 16);
      } else {
        if (content == CONTENT_ROUNDED) value = bf16_to_float(bf16_from_float(value));
        memcpy(to, &value, sizeof value);
      }
    }
  }
}

#endif

void pack_tile(uint32_t *tile, const struct operand *source, int64_t outer, int64_t at, int64_t outers, int64_t count,
               enum content content, int right) {
#if defined(__AVX512F__)
  int64_t depth = tile_depth(content);
  int64_t size = source->is_bf16 ? 2 : 4, stride = source->stride * size;
  int along = source->along != 0;
  const char *from = (const char *)source->data + (along ? outer * stride + at * size : at * stride + outer * size);
  if (outers == TILE && count == depth) {
    pack_whole(tile, from, stride, source->is_bf16, along, content, right);
    return;
  }
  /* At an edge: what is there, with zeros around it, is copied to a whole tile first. */
  char whole[2 * TILE_WORDS * 4] __attribute__((aligned(64)));
  int64_t lines = along ? outers : count, all_lines = along ? TILE : depth;
  int64_t bytes = (along ? count : outers) * size, all_bytes = (along ? depth : TILE) * size;
  for (int64_t i = 0; i < all_lines; i++) {
    char *line = whole + i * all_bytes;
    int64_t there = i < lines ? bytes : 0;
    memcpy(line, from + i * stride, (size_t)there);
    memset(line + there, 0, (size_t)(all_bytes - there));
  }
  pack_whole(tile, whole, all_bytes, source->is_bf16, along, content, right);
#else
  pack_plainly(tile, source, outer, at, outers, count, content, right);
#endif
}
