/** The kernels of attention: how their work is cut into tasks. */
#include "attention-amx-backward.h"
#include "attention-f32.h"

/** Blocks of rows in a chunk of the forward pass; fewer than PACKED_FROM are not worth packing the keys for. */
enum { FORWARD_GRAIN = 4, PACKED_FROM = 4 };

/** Chooses by the kernels' arguments from q on; never by the number of threads, which must not show in results. */
static const struct passes *choose_passes(const double *args) {
#if ATTENTION_AMX
  const int64_t rows = INT(7) * INT(9) / INT(10);
  if (INT(15) == 1 && rows >= PACKED_FROM * ROWS && amx_available()) return &amx_passes;
#endif
  (void)args;
  return &f32_passes;
}

static void *take(char **space, int64_t bytes) {
  void *taken = *space;
  *space += round_up(bytes, 64);
  return taken;
}

static int64_t extremes_bytes(const struct attention *a) {
  return 4 * extremes_length(a) * (int64_t)sizeof(int32_t);
}

/** Bytes of k or v packed in one way. */
static int64_t packed_bytes(const struct attention *a) {
  return a->kv_heads * a->key_blocks * a->block_keys * a->width * (int64_t)sizeof(bf16);
}

enum { PACKING_GRAIN = 16 };

struct forward {
  struct attention a;
  const struct passes *passes;
  float *out, *lse;
};

static void forward_tasks(int64_t begin, int64_t end, void *context) {
  const struct forward *job = context;
  const struct attention *a = &job->a;
  void *space = scratch((size_t)job->passes->forward_space(a));
  struct row_block rows[2];
  job->passes->begin();
  take_rows(a, begin % a->kv_heads, begin / a->kv_heads, &rows[0]);
  for (int64_t task = begin; task < end; task++) {
    const struct row_block *now = &rows[(task - begin) % 2];
    struct row_block *next = task + 1 < end ? &rows[(task + 1 - begin) % 2] : NULL;
    if (next != NULL) take_rows(a, (task + 1) % a->kv_heads, (task + 1) / a->kv_heads, next);
    job->passes->forward(a, now, next, job->out, job->lse, space);
  }
  job->passes->end();
}

FETTLE_KERNEL(attention_forward) {
  const struct passes *passes = choose_passes(args + 2);
  struct forward job = {read_attention(args + 2, passes), passes, PTR(float, 0), PTR(float, 1)};
  struct attention *a = &job.a;
  const int64_t packed = passes->pack != NULL ? packed_bytes(a) : 0;
  char *space = shared_scratch((size_t)(extremes_bytes(a) + 2 * packed));
  find_extremes(a, take(&space, extremes_bytes(a)));
  if (passes->pack != NULL) {
    a->packed.k_rows = take(&space, packed);
    a->packed.v_columns = take(&space, packed);
    parallel_for(a->kv_heads * a->key_blocks, PACKING_GRAIN, passes->pack, a);
  }
  parallel_for(a->kv_heads * a->row_blocks, FORWARD_GRAIN, forward_tasks, &job);
}

/**
 * The rows of a key-value head are cut into parts. A task takes one part and adds up the gradients of the keys that the
 * part sees in a space of its own; then the parts' sums are added in order. How many parts there are depends on the
 * shapes alone, so that the result is the same for any number of threads.
 */
struct backward {
  struct attention a;
  const struct passes *passes;
  struct upstream up;
  float *dk, *dv;
  int64_t parts, part_blocks; /* blocks of rows in a part */
  struct key_gradients *sums; /* [kv_heads][parts][key_blocks], null where the part sees nothing of the block */
};

/** Tasks wanted, blocks of rows in the smallest part, key blocks in a chunk of adding up. */
enum { TASKS = 32, SMALLEST_PART = 8, SUMMING_GRAIN = 4 };

static struct key_gradients *sums_of(const struct backward *job, int64_t kv_head, int64_t part) {
  return job->sums + (kv_head * job->parts + part) * job->a.key_blocks;
}

/** Bytes of the sums of dk or of dv of one key block. */
static int64_t sum_bytes(const struct attention *a) {
  return a->block_keys * a->width * (int64_t)sizeof(float);
}

static void backward_tasks(int64_t begin, int64_t end, void *context) {
  const struct backward *job = context;
  const struct attention *a = &job->a;
  void *space = scratch((size_t)job->passes->backward_space(a));
  job->passes->begin();
  for (int64_t task = begin; task < end; task++) {
    /* Later parts see more keys; the longest tasks go first. */
    const int64_t kv_head = task % a->kv_heads, part = job->parts - 1 - task / a->kv_heads;
    const int64_t first = part * job->part_blocks, last = smaller(first + job->part_blocks, a->row_blocks);
    job->passes->backward(a, kv_head, first, last, &job->up, sums_of(job, kv_head, part), space);
  }
  job->passes->end();
}

/** to [dim] = factor times the sum of the lines. */
static void add_lines(float *to, const float *const *lines, int64_t count, int64_t dim, float factor) {
  for (int64_t i = 0; i < dim; i += LANES) {
    vfloat sum = vset(0.0f);
    for (int64_t part = 0; part < count; part++) sum += vload(lines[part] + i);
    sum *= factor;
    if (dim - i >= LANES) vstore(to + i, sum);
    else vstore_part(to + i, sum, dim - i);
  }
}

/** dk and dv of blocks of keys: the sums of the parts. */
static void sum_parts(int64_t begin, int64_t end, void *context) {
  const struct backward *job = context;
  const struct attention *a = &job->a;
  for (int64_t task = begin; task < end; task++) {
    const int64_t block = task / a->kv_heads, kv_head = task % a->kv_heads, first = block * a->block_keys;
    const float *dk[TASKS], *dv[TASKS];
    int64_t count = 0;
    for (int64_t part = 0; part < job->parts; part++) {
      const struct key_gradients sums = sums_of(job, kv_head, part)[block];
      if (!sums.touched) continue;
      dk[count] = sums.dk;
      dv[count++] = sums.dv;
    }
    for (int64_t key = first; key < smaller(first + a->block_keys, a->keys); key++) {
      const int64_t at = (key * a->kv_heads + kv_head) * a->dim;
      add_lines(job->dk + at, dk, count, a->dim, a->scale / a->q_factor);
      add_lines(job->dv + at, dv, count, a->dim, 1);
      for (int64_t part = 0; part < count; part++) dk[part] += a->width, dv[part] += a->width;
    }
  }
}

/** Whether any row of a part may see a key block. */
static int part_may_see(const struct backward *job, int64_t part, int64_t block) {
  const struct attention *a = &job->a;
  const int64_t first = part * job->part_blocks * ROWS / a->group;
  const int64_t last = (smaller((part + 1) * job->part_blocks * ROWS, a->queries * a->group) - 1) / a->group;
  /* Positions are at least 0: under a window this leaves out no block that a row sees. */
  return may_see(a, a->index[first], a->index[last], 0, block);
}

/** Gives each key block that a part sees its place for sums; returns how many there are. */
static int64_t place_sums(struct backward *job, char *space) {
  int64_t count = 0;
  for (int64_t kv_head = 0; kv_head < job->a.kv_heads; kv_head++)
    for (int64_t part = 0; part < job->parts; part++)
      for (int64_t block = 0; block < job->a.key_blocks; block++) {
        struct key_gradients sums = {NULL, NULL, 0};
        if (part_may_see(job, part, block)) {
          sums.dk = (float *)(space + 2 * count * sum_bytes(&job->a));
          sums.dv = (float *)(space + (2 * count + 1) * sum_bytes(&job->a));
          count++;
        }
        if (job->sums != NULL) sums_of(job, kv_head, part)[block] = sums;
      }
  return count;
}

/** Cuts the rows into parts: about TASKS tasks in all, none too small to be worth its own sums. */
static void cut_rows(struct backward *job) {
  const struct attention *a = &job->a;
  const int64_t most = smaller(TASKS / a->kv_heads, a->row_blocks / SMALLEST_PART), parts = most > 1 ? most : 1;
  job->part_blocks = a->row_blocks > parts ? (a->row_blocks + parts - 1) / parts : 1;
  job->parts = (a->row_blocks + job->part_blocks - 1) / job->part_blocks;
}

FETTLE_KERNEL(attention_backward) {
  const struct passes *passes = choose_passes(args + 7);
  struct backward job = {
      .a = read_attention(args + 7, passes),
      .passes = passes,
      .up = {PTR(const float, 4), PTR(const float, 5), PTR(const float, 6), PTR(float, 0), PTR(float, 3)},
      .dk = PTR(float, 1),
      .dv = PTR(float, 2),
  };
  struct attention *a = &job.a;
  cut_rows(&job);
  find_extremes(a, scratch((size_t)extremes_bytes(a)));
  const int64_t count = place_sums(&job, NULL), packed = passes->pack != NULL ? packed_bytes(a) : 0;
  const int64_t places = a->kv_heads * job.parts * a->key_blocks * (int64_t)sizeof(struct key_gradients);

  char *space = shared_scratch(
      (size_t)(extremes_bytes(a) + 3 * packed + round_up(places, 64) + 2 * count * sum_bytes(a)));
  find_extremes(a, take(&space, extremes_bytes(a)));
  if (passes->pack != NULL) {
    a->packed.k_rows = take(&space, packed);
    a->packed.k_columns = take(&space, packed);
    a->packed.v_rows = take(&space, packed);
    parallel_for(a->kv_heads * a->key_blocks, PACKING_GRAIN, passes->pack, a);
  }
  job.sums = take(&space, places);
  place_sums(&job, space);
  parallel_for(a->kv_heads * job.parts, 1, backward_tasks, &job);
  parallel_for(a->key_blocks * a->kv_heads, SUMMING_GRAIN, sum_parts, &job);
}
