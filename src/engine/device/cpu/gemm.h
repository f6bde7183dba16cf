/**
 * Products of matrices, C = (accumulate ? C : 0) + alpha · A·B + bias, for f32 and bf16 inputs and f32 sums.
 *
 * Everything is cut into tiles of 16 x 16 words of 32 bits. A word is one f32, or a pair of bf16 that are neighbours
 * along the contraction, so that one layout serves all instruction sets:
 * - a left tile has a row of A in each row, the contraction along its words;
 * - a right tile has a column of B in each column of words, the contraction down its rows.
 */
#ifndef FETTLE_GEMM_H
#define FETTLE_GEMM_H

#include "fettle.h"

enum {
  TILE = 16,
  TILE_WORDS = TILE * TILE,
  /** Rows of C computed together (a stripe), and columns (a panel): two tiles each. */
  STRIPE = 2 * TILE,
  MAX_GROUPS = 64,
};

/** What a word of a tile holds. */
enum content {
  CONTENT_F32,
  /** f32 values rounded to bf16, where the CPU has no bf16 products. */
  CONTENT_ROUNDED,
  CONTENT_BF16_PAIR,
};

/** A matrix in memory, seen as (outer index, index along the contraction). */
struct operand {
  const void *data;
  int is_bf16;
  /** Nonzero where neighbours along the contraction are neighbours in memory; else outer neighbours are. */
  int along;
  /** Elements from one neighbour to the next in the other direction. */
  int64_t stride;
};

struct gemm_output {
  float *data; /* [rows, columns] */
  int64_t stride;
  const float *bias; /* [columns] or null */
  float alpha;
  int accumulate;
};

/**
 * A group of products that share work. At most one of the three counts exceeds 1:
 * - several column groups: one A with several B, each with its C;
 * - several row groups: several A, each with its C, with one B;
 * - several segments: one C, the sum of several products.
 */
struct gemm {
  int precision; /* 0: f32, 1: inputs rounded to bf16 */
  int row_groups, column_groups, segments;
  int64_t rows[MAX_GROUPS], columns[MAX_GROUPS], lengths[MAX_GROUPS];
  float segment_alpha[MAX_GROUPS];
  struct operand left[MAX_GROUPS];        /* by row group + segment */
  struct operand right[MAX_GROUPS];       /* by column group + segment */
  struct gemm_output outputs[MAX_GROUPS]; /* by row group + column group */
};

/** Computes the group on all threads. Every element of C is summed in one order, whatever the threads. */
void gemm(const struct gemm *job);

/* Between the files of the product. */

/** So few rows are not worth packing B for. */
enum { FEW_ROWS = 4 };

/** Products of at most FEW_ROWS rows with one segment, both operands along the contraction: as fast as B is read. */
void gemm_few_rows(const struct gemm *job);

enum content gemm_content(int precision);

/** Elements of the contraction in a tile. */
static inline int64_t tile_depth(enum content content) {
  return content == CONTENT_BF16_PAIR ? 2 * TILE : TILE;
}

/**
 * Packs `outers` (1 to 16) by `count` (1 to 16 or 32) elements from (outer, at) on into one tile, the rest zeros.
 * @param right whether as a right tile
 */
void pack_tile(uint32_t *tile, const struct operand *source, int64_t outer, int64_t at, int64_t outers, int64_t count,
               enum content content, int right);

/** Where multiply_tiles leaves its sums: [32][32] at most, `stride` floats from row to row. */
struct tile_sums {
  float *data;
  int64_t stride;
  /** Nonzero to go on from what is there; else sums begin at zero. */
  int resume;
};

/**
 * sums = A·B for `row_tiles` (1 or 2) by `column_tiles` (1 or 2) tiles and `depth` tiles of contraction.
 * Tiles of one row (column) tile follow each other: a is [row_tiles][depth], b [column_tiles][depth].
 */
void multiply_tiles(const struct tile_sums *sums, const uint32_t *a, const uint32_t *b, int64_t depth, int row_tiles,
                    int column_tiles, enum content content);

/** Before and after calls of multiply_tiles on a thread. */
void multiply_begin(enum content content);
void multiply_end(enum content content);

#endif
