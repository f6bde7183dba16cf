/**
 * Blocking. The contraction is cut into blocks so short that a stripe of A (32 rows) stays in the first-level cache;
 * a block of B (up to 1024 columns) then streams past it from the second level. B is packed once for all threads,
 * A by the thread that needs it, stripe by stripe.
 */
#include "gemm.h"

enum {
  /** Tiles of contraction in a block: a packed stripe of A is 24 KiB, which leaves room to stream B past it. */
  BLOCK_TILES = 12,
  STRIPE_WORDS = 2 * BLOCK_TILES * TILE_WORDS,
  /** Panels of B packed at once at most: with a full block 1 MiB. */
  PANELS_AT_ONCE = 32,
  /** Stripes of a task. */
  STRIPES_AT_ONCE = 16,
  /** Pairs of a panel and a block packed at once, 32 KiB each. */
  PACKED_AT_ONCE = 256,
};

/** A part of one segment of the contraction; pieces of equal alpha follow each other in one block. */
struct piece {
  int segment;
  int64_t begin, count;
};

struct block {
  int64_t first_piece, pieces;
  int64_t tiles;
  float alpha;
};

/** Where a stripe or a panel lies: its group, its first row or column there, how many it has (at most 32). */
struct place {
  int group;
  int64_t begin, count;
};

struct plan {
  const struct gemm *job;
  enum content content;
  struct piece *pieces;
  struct block *blocks;
  uint32_t *packed; /* [panels at once][blocks at once][2][BLOCK_TILES] tiles */
  int64_t first_panel, panels, first_block, block_count;
  int64_t stripes;
  int64_t stripes_per_task, panels_per_task;
};

static int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

static int64_t count_places(const int64_t *extents, int groups) {
  int64_t count = 0;
  for (int i = 0; i < groups; i++) count += ceil_div(extents[i], STRIPE);
  return count;
}

static struct place find_place(const int64_t *extents, int64_t index) {
  int group = 0;
  for (; index >= ceil_div(extents[group], STRIPE); group++) index -= ceil_div(extents[group], STRIPE);
  int64_t begin = index * STRIPE, left = extents[group] - begin;
  return (struct place){group, begin, left < STRIPE ? left : STRIPE};
}

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/** Packs one tile deep of a place: its first tile at `to`, its second a block's depth further on. */
static void pack_slice(uint32_t *to, const struct plan *plan, const struct block *block, const struct place *place,
                       int64_t slice, int right) {
  int64_t depth = tile_depth(plan->content);
  const struct piece *piece = &plan->pieces[block->first_piece];
  int64_t skipped = slice;
  for (; skipped >= ceil_div(piece->count, depth); piece++) skipped -= ceil_div(piece->count, depth);
  int64_t at = skipped * depth;
  const struct operand *operands = right ? plan->job->right : plan->job->left;
  for (int64_t outer = 0; outer < place->count; outer += TILE) {
    pack_tile(to + (outer / TILE * block->tiles + slice) * TILE_WORDS, &operands[place->group + piece->segment],
              place->begin + outer, piece->begin + at, smaller(place->count - outer, TILE),
              smaller(piece->count - at, depth), plan->content, right);
  }
}

static uint32_t *packed_panel(const struct plan *plan, int64_t panel, int64_t block) {
  return plan->packed + (block * plan->panels + panel) * STRIPE_WORDS;
}

/** For a B that memory holds along the contraction: whole panels. */
static void pack_panels(int64_t begin, int64_t end, void *context) {
  const struct plan *plan = context;
  for (int64_t i = begin; i < end; i++) {
    int64_t panel = i / plan->block_count, b = i % plan->block_count;
    const struct block *block = &plan->blocks[plan->first_block + b];
    struct place place = find_place(plan->job->columns, plan->first_panel + panel);
    for (int64_t slice = 0; slice < block->tiles; slice++)
      pack_slice(packed_panel(plan, panel, b), plan, block, &place, slice, 1);
  }
}

/** For a B that memory holds along its columns: slices across all panels, so that memory is read in long runs. */
static void pack_slices(int64_t begin, int64_t end, void *context) {
  const struct plan *plan = context;
  for (int64_t i = begin; i < end; i++) {
    int64_t b = i / BLOCK_TILES, slice = i % BLOCK_TILES;
    const struct block *block = &plan->blocks[plan->first_block + b];
    for (int64_t panel = 0; panel < plan->panels && slice < block->tiles; panel++) {
      struct place place = find_place(plan->job->columns, plan->first_panel + panel);
      pack_slice(packed_panel(plan, panel, b), plan, block, &place, slice, 1);
    }
  }
}

/** sums = C for one stripe and panel, zeros beside it. */
static void read_sums(float *sums, const struct gemm_output *output, const struct place *rows,
                      const struct place *columns) {
  memset(sums, 0, STRIPE * STRIPE * sizeof *sums);
  for (int64_t r = 0; r < rows->count; r++) {
    const float *c = output->data + (rows->begin + r) * output->stride + columns->begin;
    memcpy(sums + r * STRIPE, c, (size_t)columns->count * sizeof *c);
  }
}

/** C = (accumulate ? C : 0) + alpha · sums + bias for one stripe and panel. */
static void write_sums(const float *sums, const struct gemm_output *output, const struct place *rows,
                       const struct place *columns, float alpha, const float *bias, int accumulate) {
  for (int64_t r = 0; r < rows->count; r++) {
    float *c = output->data + (rows->begin + r) * output->stride + columns->begin;
    for (int64_t j = 0; j < columns->count; j += LANES) {
      int64_t part = columns->count - j < LANES ? columns->count - j : LANES;
      vfloat value = alpha * vload(sums + r * STRIPE + j);
      if (part == LANES) {
        if (bias) value += vload(bias + j);
        if (accumulate) value += vload(c + j);
        vstore(c + j, value);
      } else {
        if (bias) value += vload_part(bias + j, part);
        if (accumulate) value += vload_part(c + j, part);
        vstore_part(c + j, value, part);
      }
    }
  }
}

/** One block's share of one stripe and panel of C; the first block brings the bias and what C begins with. */
static void multiply_place(const struct plan *plan, const struct block *block, const struct place *rows,
                           const struct place *columns, const uint32_t *a, const uint32_t *b, float *buffer,
                           int first_block) {
  const struct gemm_output *output = &plan->job->outputs[rows->group + columns->group];
  float alpha = output->alpha * block->alpha;
  int accumulate = output->accumulate || !first_block;
  const float *bias = first_block && output->bias ? output->bias + columns->begin : NULL;
  int row_tiles = rows->count > TILE ? 2 : 1, column_tiles = columns->count > TILE ? 2 : 1;
  if (alpha == 1 && !bias && rows->count % TILE == 0 && columns->count % TILE == 0) {
    float *c = output->data + rows->begin * output->stride + columns->begin;
    struct tile_sums in_place = {c, output->stride, accumulate};
    multiply_tiles(&in_place, a, b, block->tiles, row_tiles, column_tiles, plan->content);
    return;
  }
  /* Sums go on from C as they do in place: a row's bits must not depend on how many rows there are. */
  const int resume = alpha == 1 && !bias && accumulate;
  if (resume) read_sums(buffer, output, rows, columns);
  struct tile_sums apart = {buffer, STRIPE, resume};
  multiply_tiles(&apart, a, b, block->tiles, row_tiles, column_tiles, plan->content);
  write_sums(buffer, output, rows, columns, alpha, bias, accumulate && !resume);
}

static void multiply_task(int64_t task, int64_t unused, void *context) {
  (void)unused;
  const struct plan *plan = context;
  const struct gemm *job = plan->job;
  int64_t tasks_across = ceil_div(plan->panels, plan->panels_per_task);
  int64_t stripe_begin = task / tasks_across * plan->stripes_per_task;
  int64_t stripe_end = stripe_begin + plan->stripes_per_task;
  if (stripe_end > plan->stripes) stripe_end = plan->stripes;
  int64_t panel_begin = task % tasks_across * plan->panels_per_task;
  int64_t panel_end = panel_begin + plan->panels_per_task;
  if (panel_end > plan->panels) panel_end = plan->panels;

  /* An A that memory holds along its rows is packed for all stripes in one go, to read memory in long runs. */
  int64_t together = job->left[0].along ? 1 : stripe_end - stripe_begin;
  uint32_t *a = scratch(((size_t)together * STRIPE_WORDS + STRIPE * STRIPE) * sizeof *a);
  float *buffer = (float *)(a + together * STRIPE_WORDS);
  multiply_begin(plan->content);
  for (int64_t b = 0; b < plan->block_count; b++) {
    const struct block *block = &plan->blocks[plan->first_block + b];
    for (int64_t stripe = stripe_begin; stripe < stripe_end; stripe++) {
      int64_t position = (stripe - stripe_begin) % together;
      if (position == 0) {
        for (int64_t slice = 0; slice < block->tiles; slice++) {
          for (int64_t i = 0; i < together; i++) {
            struct place rows = find_place(job->rows, stripe + i);
            pack_slice(a + i * STRIPE_WORDS, plan, block, &rows, slice, 0);
          }
        }
      }
      struct place rows = find_place(job->rows, stripe);
      for (int64_t panel = panel_begin; panel < panel_end; panel++) {
        struct place columns = find_place(job->columns, plan->first_panel + panel);
        multiply_place(plan, block, &rows, &columns, a + position * STRIPE_WORDS, packed_panel(plan, panel, b), buffer,
                       plan->first_block + b == 0);
      }
    }
  }
  multiply_end(plan->content);
}

/** Cuts each segment into pieces of nearly equal size, at most a block each. */
static int64_t pieces_of(int64_t length, int64_t depth, int64_t *size) {
  int64_t count = ceil_div(length, BLOCK_TILES * depth);
  *size = count ? ceil_div(ceil_div(length, count), depth) * depth : 0;
  return count;
}

static int64_t plan_blocks(struct plan *plan) {
  const struct gemm *job = plan->job;
  int64_t depth = tile_depth(plan->content), piece_count = 0, block_count = 0;
  for (int s = 0; s < job->segments; s++) {
    int64_t size, count = pieces_of(job->lengths[s], depth, &size);
    for (int64_t i = 0; i < count; i++, piece_count++) {
      int64_t begin = i * size, left = job->lengths[s] - begin;
      struct piece *piece = &plan->pieces[piece_count];
      *piece = (struct piece){s, begin, left < size ? left : size};
      int64_t tiles = ceil_div(piece->count, depth);
      struct block *last = block_count ? &plan->blocks[block_count - 1] : NULL;
      if (last && last->alpha == job->segment_alpha[s] && last->tiles + tiles <= BLOCK_TILES) {
        last->pieces++;
        last->tiles += tiles;
      } else {
        plan->blocks[block_count++] = (struct block){piece_count, 1, tiles, job->segment_alpha[s]};
      }
    }
  }
  return block_count;
}

/** Enough tasks to keep the threads evenly busy; which task computes a tile of C does not matter to its bits. */
static void plan_tasks(struct plan *plan) {
  int64_t wanted = (int64_t)thread_count() * 4;
  plan->stripes_per_task = plan->stripes / wanted > 1 ? smaller(plan->stripes / wanted, STRIPES_AT_ONCE) : 1;
  int64_t down = ceil_div(plan->stripes, plan->stripes_per_task);
  int64_t across = down >= thread_count() * 2 ? 1 : ceil_div(wanted, down);
  plan->panels_per_task = ceil_div(plan->panels, across < plan->panels ? across : plan->panels);
}

void gemm(const struct gemm *job) {
  if (job->row_groups == 1 && job->segments == 1 && job->rows[0] <= FEW_ROWS && job->left[0].along &&
      job->right[0].along) {
    gemm_few_rows(job);
    return;
  }
  struct plan plan = {.job = job, .content = gemm_content(job->precision)};
  int64_t depth = tile_depth(plan.content), piece_count = 0, size;
  for (int s = 0; s < job->segments; s++) piece_count += pieces_of(job->lengths[s], depth, &size);
  plan.stripes = count_places(job->rows, job->row_groups);
  int64_t all_panels = count_places(job->columns, job->column_groups);
  if (plan.stripes == 0 || all_panels == 0 || piece_count == 0) return;

  int64_t panels_at_once = all_panels < PANELS_AT_ONCE ? all_panels : PANELS_AT_ONCE;
  int64_t blocks_at_once = PACKED_AT_ONCE / panels_at_once;
  size_t plan_bytes = (size_t)piece_count * (sizeof *plan.pieces + sizeof *plan.blocks);
  plan_bytes = (plan_bytes + 63) / 64 * 64;
  int64_t packed_blocks = piece_count < blocks_at_once ? piece_count : blocks_at_once;
  size_t packed_bytes = (size_t)(panels_at_once * packed_blocks) * 2 * BLOCK_TILES * TILE_WORDS * 4;
  char *memory = shared_scratch(packed_bytes + plan_bytes);
  plan.packed = (uint32_t *)memory;
  plan.pieces = (struct piece *)(memory + packed_bytes);
  plan.blocks = (struct block *)(plan.pieces + piece_count);
  int64_t all_blocks = plan_blocks(&plan);

  for (int64_t panel = 0; panel < all_panels; panel += panels_at_once) {
    plan.first_panel = panel;
    plan.panels = all_panels - panel < panels_at_once ? all_panels - panel : panels_at_once;
    plan_tasks(&plan);
    int64_t tasks = ceil_div(plan.stripes, plan.stripes_per_task) * ceil_div(plan.panels, plan.panels_per_task);
    for (int64_t block = 0; block < all_blocks; block += blocks_at_once) {
      plan.first_block = block;
      plan.block_count = all_blocks - block < blocks_at_once ? all_blocks - block : blocks_at_once;
      if (job->right[0].along) parallel_for(plan.panels * plan.block_count, 2, pack_panels, &plan);
      else parallel_for(plan.block_count * BLOCK_TILES, 2, pack_slices, &plan);
      parallel_for(tasks, 1, multiply_task, &plan);
    }
  }
}
