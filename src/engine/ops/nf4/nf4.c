#include "fettle.h"

enum { F32 = 0, BF16 = 1, MAX_BLOCK = 4096, MAP_BLOCK = 256, MAP_SIZE = 256, CHUNK = 1 << 15 };

static const float nf4_code[16] = {
  -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f,
  -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0.0f,
  0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
  0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f,
};

static inline float middle(float a, float b) {
  return (a + b) / 2;
}

/** Ignores NaN. */
static float largest_magnitude(const float *x, int64_t length) {
  vfloat lanes = vset(0);
  int64_t i = 0;
  for (; i + LANES <= length; i += LANES) {
    vfloat size = vabs(vload(x + i));
    lanes = vselect(size > lanes, size, lanes);
  }
  float largest = vmaximum(lanes);
  for (; i < length; i++) largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
  return largest;
}

typedef uint8_t vbyte __attribute__((vector_size(LANES)));

struct quantize {
  uint8_t *packed;
  float *absmax;
  const void *x;
  int dtype;
  int64_t length, block_size;
};

static void quantize_block(uint8_t *packed, float *absmax, const float *x, int64_t length) {
  static const uint8_t zero_code = 7;
  uint8_t codes[MAX_BLOCK + LANES];
  float largest = largest_magnitude(x, length);
  float inverse = largest > 0 ? 1 / largest : 0;
  *absmax = largest;
  for (int64_t i = 0; i < length; i += LANES) {
    int64_t count = length - i < LANES ? length - i : LANES;
    vfloat scaled = vload_part(x + i, count) * inverse;
    vint index = {0};
    for (int code = 0; code < 15; code++) index -= scaled > middle(nf4_code[code], nf4_code[code + 1]);
    vbyte narrow = __builtin_convertvector(index, vbyte);
    memcpy(codes + i, &narrow, sizeof narrow);
  }
  if (length % 2) codes[length] = zero_code;
  for (int64_t i = 0; i < length; i += 2) packed[i / 2] = (uint8_t)(codes[i] << 4 | codes[i + 1]);
}

static void quantize_blocks(int64_t begin, int64_t end, void *context) {
  const struct quantize *job = context;
  float widened[MAX_BLOCK];
  for (int64_t block = begin; block < end; block++) {
    int64_t at = block * job->block_size;
    int64_t length = job->length - at < job->block_size ? job->length - at : job->block_size;
    const float *x = (const float *)job->x + at;
    if (job->dtype == BF16) {
      for (int64_t i = 0; i < length; i++) widened[i] = bf16_to_float(((const bf16 *)job->x)[at + i]);
      x = widened;
    }
    quantize_block(job->packed + at / 2, job->absmax + block, x, length);
  }
}

static int64_t blocks_a_chunk(int64_t block_size) {
  return (CHUNK + block_size - 1) / block_size;
}

FETTLE_KERNEL(nf4_quantize) {
  struct quantize job = {PTR(uint8_t, 0), PTR(float, 1), PTR(const void, 2), (int)INT(3), INT(4), INT(5)};
  int64_t blocks = (job.length + job.block_size - 1) / job.block_size;
  parallel_for(blocks, blocks_a_chunk(job.block_size), quantize_blocks, &job);
}

struct dequantize {
  void *y;
  const uint8_t *packed;
  const float *absmax; /* null: the scales are in 8 bits */
  const uint8_t *codes;
  const float *nested, *map;
  float offset;
  int dtype, rounding;
  int64_t length, block_size;
};

enum { ROUND_BF16 = 1, ROUND_HALF = 2 };

/** To IEEE 754 binary16; below 2^-14 that is to steps of 2^-24. */
static float round_to_half(float x) {
  float size = fabsf(x);
  if (size >= 65520) return copysignf(INFINITY, x);
  if (size < 0x1p-14f) return rintf(x * 0x1p24f) * 0x1p-24f;
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits = (bits + 0xfff + (bits >> 13 & 1)) & ~(uint32_t)0x1fff;
  memcpy(&x, &bits, sizeof bits);
  return x;
}

static inline float rounded(float x, int rounding) {
  if (rounding == ROUND_BF16) return bf16_to_float(bf16_from_float(x));
  return rounding == ROUND_HALF ? round_to_half(x) : x;
}

static inline float scale_of(const struct dequantize *job, int64_t block) {
  if (job->absmax) return job->absmax[block];
  /* Rounded by itself: a fused multiply-add would give other bits than the devices that have none. */
  volatile float centred = job->map[job->codes[block]] * job->nested[block / MAP_BLOCK];
  return centred + job->offset;
}

/* A block has one scale, so its 16 possible values are computed once and then looked up. */

static void dequantize_f32(float *y, const uint8_t *packed, const float *values, int64_t length) {
  int64_t i = 0;
#if defined(__AVX512F__)
  const __m512 table = _mm512_loadu_ps(values);
  const __m512i high_first = _mm512_set1_epi64(4);
  for (; i + 16 <= length; i += 16) {
    __m128i pairs = _mm_loadl_epi64((const __m128i *)(packed + i / 2));
    __m512i doubled = _mm512_cvtepu8_epi32(_mm_unpacklo_epi8(pairs, pairs));
    /* The permutation looks at the lowest four bits of an index only. */
    __m512i index = _mm512_srlv_epi32(doubled, high_first);
    _mm512_storeu_ps(y + i, _mm512_permutexvar_ps(index, table));
  }
#endif
  for (; i + 1 < length; i += 2) {
    y[i] = values[packed[i / 2] >> 4];
    y[i + 1] = values[packed[i / 2] & 15];
  }
  if (i < length) y[i] = values[packed[i / 2] >> 4];
}

static void dequantize_bf16(bf16 *y, const uint8_t *packed, const float *values, int64_t length) {
  bf16 rounded[32]; /* twice the table: bit 4 of an index is arbitrary */
  for (int code = 0; code < 16; code += LANES) {
    vstore_bf16(rounded + code, vload(values + code));
    vstore_bf16(rounded + 16 + code, vload(values + code));
  }
  int64_t i = 0;
#if defined(__AVX512BW__)
  const __m512i table = _mm512_loadu_si512(rounded);
  const __m512i high_first = _mm512_set1_epi32(4);
  for (; i + 32 <= length; i += 32) {
    __m128i pairs = _mm_loadu_si128((const __m128i *)(packed + i / 2));
    __m256i doubled = _mm256_set_m128i(_mm_unpackhi_epi8(pairs, pairs), _mm_unpacklo_epi8(pairs, pairs));
    __m512i index = _mm512_srlv_epi16(_mm512_cvtepu8_epi16(doubled), high_first);
    _mm512_storeu_si512(y + i, _mm512_permutexvar_epi16(index, table));
  }
#endif
  for (; i + 1 < length; i += 2) {
    y[i] = rounded[packed[i / 2] >> 4];
    y[i + 1] = rounded[packed[i / 2] & 15];
  }
  if (i < length) y[i] = rounded[packed[i / 2] >> 4];
}

static void dequantize_blocks(int64_t begin, int64_t end, void *context) {
  const struct dequantize *job = context;
  for (int64_t block = begin; block < end; block++) {
    int64_t at = block * job->block_size;
    int64_t length = job->length - at < job->block_size ? job->length - at : job->block_size;
    float values[16], scale = scale_of(job, block);
    for (int code = 0; code < 16; code++) values[code] = rounded(nf4_code[code] * scale, job->rounding);
    if (job->dtype == BF16) dequantize_bf16((bf16 *)job->y + at, job->packed + at / 2, values, length);
    else dequantize_f32((float *)job->y + at, job->packed + at / 2, values, length);
  }
}

FETTLE_KERNEL(nf4_dequantize) {
  struct dequantize job = {
    .y = PTR(void, 0),
    .dtype = (int)INT(1),
    .packed = PTR(const uint8_t, 2),
    .absmax = PTR(const float, 3),
    .codes = PTR(const uint8_t, 4),
    .nested = PTR(const float, 5),
    .map = PTR(const float, 6),
    .offset = (float)NUM(7),
    .length = INT(8),
    .block_size = INT(9),
    .rounding = (int)INT(10),
  };
  int64_t blocks = (job.length + job.block_size - 1) / job.block_size;
  parallel_for(blocks, blocks_a_chunk(job.block_size), dequantize_blocks, &job);
}

/** A row of the weight a time, to one column of y. */
struct transposed {
  struct dequantize job;
  int64_t ld, rows, columns;
};

static void dequantize_transposed_rows(int64_t begin, int64_t end, void *context) {
  const struct transposed *t = context;
  const struct dequantize *job = &t->job;
  for (int64_t row = begin; row < end; row++) {
    for (int64_t column = 0; column < t->columns; column++) {
      int64_t at = row * t->columns + column;
      int code = job->packed[at / 2] >> (at % 2 ? 0 : 4) & 15;
      float value = rounded(nf4_code[code] * scale_of(job, at / job->block_size), job->rounding);
      if (job->dtype == BF16) ((bf16 *)job->y)[column * t->ld + row] = bf16_from_float(value);
      else ((float *)job->y)[column * t->ld + row] = value;
    }
  }
}

FETTLE_KERNEL(nf4_dequantize_transposed) {
  struct transposed all = {
    .job =
      {
        .y = PTR(void, 0),
        .dtype = (int)INT(2),
        .packed = PTR(const uint8_t, 3),
        .absmax = PTR(const float, 4),
        .codes = PTR(const uint8_t, 5),
        .nested = PTR(const float, 6),
        .map = PTR(const float, 7),
        .offset = (float)NUM(8),
        .block_size = INT(11),
        .rounding = (int)INT(12),
      },
    .ld = INT(1),
    .rows = INT(9),
    .columns = INT(10),
  };
  parallel_for(all.rows, 16, dequantize_transposed_rows, &all);
}

/** The nearest entry of the map, of two equally near the even one: see dynamic-map.ts. */
static int nearest_code(const float *map, float x) {
  int code = 0;
  for (int half = MAP_SIZE / 2; half >= 1; half /= 2) {
    int below = code + half - 1;
    float between = middle(map[below], map[below + 1]);
    if (below % 2 ? x >= between : x > between) code += half;
  }
  return code;
}

struct absmax_codes {
  const float *absmax, *map;
  float *nested;
  uint8_t *codes;
  float offset;
  int64_t blocks;
};

static void quantize_absmax_groups(int64_t begin, int64_t end, void *context) {
  const struct absmax_codes *job = context;
  for (int64_t group = begin; group < end; group++) {
    int64_t at = group * MAP_BLOCK;
    int64_t length = job->blocks - at < MAP_BLOCK ? job->blocks - at : MAP_BLOCK;
    float centred[MAP_BLOCK];
    for (int64_t i = 0; i < length; i++) centred[i] = job->absmax[at + i] - job->offset;
    float largest = largest_magnitude(centred, length);
    float inverse = largest > 0 ? 1 / largest : 0;
    job->nested[group] = largest;
    for (int64_t i = 0; i < length; i++) job->codes[at + i] = (uint8_t)nearest_code(job->map, centred[i] * inverse);
  }
}

FETTLE_KERNEL(nf4_quantize_absmax) {
  struct absmax_codes job = {
    .codes = PTR(uint8_t, 0),
    .nested = PTR(float, 1),
    .map = PTR(const float, 2),
    .absmax = PTR(const float, 3),
    .offset = (float)NUM(4),
    .blocks = INT(5),
  };
  parallel_for((job.blocks + MAP_BLOCK - 1) / MAP_BLOCK, 16, quantize_absmax_groups, &job);
}
