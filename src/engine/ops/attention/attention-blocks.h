/**
 * What the C kernels of attention share. The query heads that read one key-value head are taken together: a row is one
 * query of one of them, row r of a key-value head being query r / group of head r % group of its group. Rows are worked
 * on in blocks of ROWS, one lane of a vector for each, so that maxima and sums over keys need no shuffling; keys in
 * blocks of block_keys, passed over where no row sees any of them.
 */
#ifndef ATTENTION_BLOCKS_H
#define ATTENTION_BLOCKS_H

#include "fettle.h"

enum { ROWS = 32 };

/** Begins where a cache line does: a vector or line of a tile that lies across two costs four times as much. */
#define LINE __attribute__((aligned(64)))

/** Extremes over the keys of each block; the arrays are filled up to whole vectors with blocks that nobody sees. */
struct key_blocks {
  int32_t *min_expiry, *max_expiry, *min_position, *max_position;
};

/** Keys and values in bf16, in blocks, made once for all rows; null where products are in f32. */
struct packed_keys {
  bf16 *k_rows, *v_rows;       /* [kv_heads][key_blocks][block_keys][width] */
  bf16 *k_columns, *v_columns; /* [kv_heads][key_blocks][width][block_keys] */
};

struct attention {
  const float *q, *k, *v;
  const int32_t *index, *expiry, *query_position, *key_position;
  int64_t queries, keys, heads, kv_heads, dim, window;
  /**
   * Scores are in base 2. q is taken times q_factor; a score is then its product with k or, where there is a cap, cap
   * times the tanh of that.
   */
  float scale, q_factor, cap;
  int64_t group, row_blocks, key_blocks, block_keys;
  int64_t width; /* dim rounded up to a whole number of what the products take at once */
  struct key_blocks extremes;
  struct packed_keys packed;
};

/** One block of rows of one key-value head. Lanes past `count` have index -1: they see nothing. */
struct row_block {
  int64_t kv_head, count;
  int64_t place[ROWS]; /* of each row in a tensor [queries, heads]; times dim, in a tensor like q */
  int32_t min_index, max_index, min_position, max_position;
  int32_t index[ROWS] LINE;
  int32_t position[ROWS] LINE;
};

/** Keys [begin, end) of one block without those at its ends that no row sees. `holes`: some row misses some of them. */
struct key_range {
  int64_t begin, end;
  int holes;
};

static inline int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static inline int64_t round_up(int64_t value, int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

/** What backward gets beside the inputs, and dq and delta, which it fills. */
struct upstream {
  const float *dout, *out, *lse;
  float *dq, *delta;
};

/** Sums of a key block's gradients, each [block_keys][width]; dk is still to be multiplied by scale / q_factor. */
struct key_gradients {
  float *dk, *dv;
  int touched; /* 0 until something has been written */
};

/** How one kind of products goes about attention. */
struct passes {
  int64_t block_keys, width_unit;
  /** Bytes of scratch that a task needs. */
  int64_t (*forward_space)(const struct attention *a);
  int64_t (*backward_space)(const struct attention *a);
  /** Around the tasks of a thread. */
  void (*begin)(void);
  void (*end)(void);
  /** Fills those of a->packed that are not null; an item is a block of one key-value head. Null: nothing to pack. */
  void (*pack)(int64_t begin, int64_t end, void *attention);
  /** out and, unless null, lse of one block of rows; `next`, unless null, is the one that comes after it. */
  void (*forward)(const struct attention *a, const struct row_block *rows, const struct row_block *next, float *out,
                  float *lse, void *space);
  /** dq and delta of the blocks of rows from `first` to `last`, and their share in the gradients of each key block. */
  void (*backward)(const struct attention *a, int64_t kv_head, int64_t first, int64_t last, const struct upstream *up,
                   struct key_gradients *gradients, void *space);
};

/** 2^x for x <= 0, -infinity included. Relative error below 2e-7; the polynomials are minimax on their ranges. */
static inline vfloat exp2_down(vfloat x) {
#if defined(__AVX512DQ__)
  const vfloat r = (vfloat)_mm512_reduce_ps((__m512)x, 1); /* x less the integer below, which scalef takes as well */
  vfloat p = r * 1.867131555e-3f + 9.017027170e-3f;
  p = p * r + 5.579991536e-2f;
  p = p * r + 2.401644495e-1f;
  p = p * r + 6.931513119e-1f;
  p = p * r + 1.0f;
  return (vfloat)_mm512_scalef_ps((__m512)p, (__m512)x);
#else
  const float rounder = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
  const vfloat n = (vmax(x, vset(-126.0f)) + rounder) - rounder, r = x - n;
  vfloat p = r * 1.326472791e-3f + 9.671513379e-3f;
  p = p * r + 5.550733748e-2f;
  p = p * r + 2.402224207e-1f;
  p = p * r + 6.931469776e-1f;
  p = p * r + 1.0f;
  const vfloat power = (vfloat)((vint)p + (__builtin_convertvector(n, vint) << 23));
  return vselect(x >= -126.0f, power, vset(0.0f));
#endif
}

/** log2 x for x > 0, -infinity for 0. log2 of the fraction in [sqrt 1/2, sqrt 2) is a series in (m - 1) / (m + 1). */
static inline vfloat log2_of(vfloat x) {
  const int32_t root_half = 0x3f3504f3;
  const vint exponent = ((vint)x - root_half) >> 23;
  const vfloat m = (vfloat)((vint)x - (exponent << 23));
  const vfloat t = (m - 1.0f) / (m + 1.0f), square = t * t;
  vfloat p = square * 0.320598898f + 0.412198583f;
  p = p * square + 0.577078016f;
  p = p * square + 0.961796694f;
  p = p * square + 2.885390082f;
  return vselect(x == 0, vset(-INFINITY), p * t + __builtin_convertvector(exponent, vfloat));
}

#endif
