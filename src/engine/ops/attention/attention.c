/** The kernels of attention: how their work is cut into tasks. */
#include "attention-f32.h"

/** Rows of one task of the forward pass. */
enum { FORWARD_GRAIN = 2 };

struct forward {
  struct attention a;
  float *out, *lse;
};

static void forward_tasks(int64_t begin, int64_t end, void *context) {
  const struct forward *job = context;
  const struct attention *a = &job->a;
  float *space = scratch((size_t)space_f32(a) * sizeof(float));
  for (int64_t task = begin; task < end; task++) {
    struct row_block rows;
    take_rows(a, task / a->row_blocks, task % a->row_blocks, &rows);
    forward_f32(a, &rows, job->out, job->lse, space);
  }
}

FETTLE_KERNEL(attention_forward) {
  struct key_block *table = shared_scratch(((size_t)INT(2 + 8) / KEYS + 1) * sizeof *table);
  struct forward job = {read_attention(args + 2, table), PTR(float, 0), PTR(float, 1)};
  parallel_for(job.a.kv_heads * job.a.row_blocks, FORWARD_GRAIN, forward_tasks, &job);
}

/**
 * The rows of a key-value head are cut into parts. A task takes one part and adds up the gradients of the keys that the
 * part sees in a space of its own; then the parts' sums are added in order. How many parts there are depends on the
 * shapes alone, so that the result is the same for any number of threads.
 */
struct backward {
  struct attention a;
  struct upstream up;
  float *dk, *dv;
  int64_t parts, part_blocks; /* blocks of rows in a part */
  struct key_gradients *sums; /* [kv_heads][parts][key_blocks], null where the part sees nothing of the block */
};

enum { TASKS = 32, SMALLEST_PART = 8 };

static struct key_gradients *sums_of(const struct backward *job, int64_t kv_head, int64_t part) {
  return job->sums + (kv_head * job->parts + part) * job->a.key_blocks;
}

static void backward_tasks(int64_t begin, int64_t end, void *context) {
  const struct backward *job = context;
  const struct attention *a = &job->a;
  float *space = scratch((size_t)space_f32(a) * sizeof(float));
  for (int64_t task = begin; task < end; task++) {
    /* Later parts see more keys; the longest tasks go first. */
    const int64_t kv_head = task % a->kv_heads, part = job->parts - 1 - task / a->kv_heads;
    const struct key_gradients *sums = sums_of(job, kv_head, part);
    const size_t bytes = (size_t)(KEYS * round_up(a->dim, LANES)) * sizeof(float);
    for (int64_t block = 0; block < a->key_blocks; block++) {
      if (sums[block].dk != NULL) memset(sums[block].dk, 0, bytes);
      if (sums[block].dv != NULL) memset(sums[block].dv, 0, bytes);
    }
    const int64_t last = smaller((part + 1) * job->part_blocks, a->row_blocks);
    for (int64_t number = part * job->part_blocks; number < last; number++) {
      struct row_block rows;
      take_rows(a, kv_head, number, &rows);
      backward_f32(a, &rows, &job->up, sums, space);
    }
  }
}

static void sum_parts(int64_t begin, int64_t end, void *context) {
  const struct backward *job = context;
  const struct attention *a = &job->a;
  const int64_t width = round_up(a->dim, LANES);
  const float factor = a->scale / a->q_factor;
  for (int64_t task = begin; task < end; task++) {
    const int64_t key = task / a->kv_heads, kv_head = task % a->kv_heads;
    float *dk = job->dk + task * a->dim, *dv = job->dv + task * a->dim;
    memset(dk, 0, (size_t)a->dim * sizeof(float));
    memset(dv, 0, (size_t)a->dim * sizeof(float));
    for (int64_t part = 0; part < job->parts; part++) {
      const struct key_gradients from = sums_of(job, kv_head, part)[key / KEYS];
      if (from.dk == NULL) continue;
      const float *dk_part = from.dk + key % KEYS * width, *dv_part = from.dv + key % KEYS * width;
      for (int64_t i = 0; i < a->dim; i++) dk[i] += dk_part[i] * factor;
      for (int64_t i = 0; i < a->dim; i++) dv[i] += dv_part[i];
    }
  }
}

/** Whether any row of a part may see a key block. */
static int part_may_see(const struct backward *job, int64_t part, int64_t block) {
  const struct attention *a = &job->a;
  const int64_t first = part * job->part_blocks * ROWS / a->group;
  const int64_t last = (smaller((part + 1) * job->part_blocks * ROWS, a->queries * a->group) - 1) / a->group;
  /* Positions are at least 0: with a window too, this leaves out no block that a row sees. */
  return may_see(a, a->index[first], a->index[last], 0, block);
}

FETTLE_KERNEL(attention_backward) {
  const size_t key_blocks = (size_t)INT(7 + 8) / KEYS + 1;
  struct backward job = {
      .a = read_attention(args + 7, scratch(key_blocks * sizeof(struct key_block))),
      .up = {PTR(const float, 4), PTR(const float, 5), PTR(const float, 6), PTR(float, 0), PTR(float, 3)},
      .dk = PTR(float, 1),
      .dv = PTR(float, 2),
  };
  struct attention *a = &job.a;
  const int64_t wanted = smaller(TASKS / a->kv_heads, a->row_blocks / SMALLEST_PART);
  job.part_blocks = wanted > 1 ? (a->row_blocks + wanted - 1) / wanted : a->row_blocks;
  job.parts = (a->row_blocks + job.part_blocks - 1) / job.part_blocks;
  int64_t pairs = 0;
  for (int64_t part = 0; part < job.parts; part++)
    for (int64_t block = 0; block < a->key_blocks; block++) pairs += part_may_see(&job, part, block);

  const size_t sum_floats = (size_t)(KEYS * round_up(a->dim, LANES));
  const size_t table_bytes = round_up(key_blocks * sizeof(struct key_block), 64);
  const size_t sums_bytes =
      round_up((size_t)(a->kv_heads * job.parts * a->key_blocks) * sizeof(struct key_gradients), 64);
  char *space = shared_scratch(table_bytes + sums_bytes + 2 * pairs * a->kv_heads * sum_floats * sizeof(float));
  a->key_block = memcpy(space, a->key_block, table_bytes);
  job.sums = (struct key_gradients *)(space + table_bytes);
  float *free_space = (float *)(space + table_bytes + sums_bytes);
  for (int64_t kv_head = 0; kv_head < a->kv_heads; kv_head++)
    for (int64_t part = 0; part < job.parts; part++)
      for (int64_t block = 0; block < a->key_blocks; block++) {
        const int sees = part_may_see(&job, part, block);
        sums_of(&job, kv_head, part)[block] =
            sees ? (struct key_gradients){free_space, free_space + sum_floats} : (struct key_gradients){NULL, NULL};
        if (sees) free_space += 2 * sum_floats;
      }
  parallel_for(a->kv_heads * job.parts, 1, backward_tasks, &job);
  parallel_for(a->keys * a->kv_heads, 256, sum_parts, &job);
}
