/** The kernels of attention: how their work is cut into tasks. */
#include "attention-amx.h"
#include "attention-f32.h"

/** Blocks of rows in a chunk of the forward pass; fewer than PACKED_FROM are not worth packing the keys for. */
enum { FORWARD_GRAIN = 4, PACKED_FROM = 4 };

/** Reads the arguments from q on and decides what products are computed in. */
static struct attention prepare(const double *args) {
#if ATTENTION_AMX
  const int64_t rows = INT(7) * INT(9) / INT(10);
  if (INT(15) == 1 && rows >= PACKED_FROM * ROWS && amx_available()) {
    return read_attention(args, AMX_KEYS, AMX_WIDTH, 1);
  }
#endif
  return read_attention(args, F32_KEYS, LANES, 0);
}

static void *take(char **space, int64_t bytes) {
  void *taken = *space;
  *space += round_up(bytes, 64);
  return taken;
}

static int64_t extremes_bytes(const struct attention *a) {
  return 4 * extremes_length(a) * (int64_t)sizeof(int32_t);
}

/** Bytes of k or v packed in one way; 0 where products are in f32. */
static int64_t packed_bytes(const struct attention *a) {
  return a->bf16 ? a->kv_heads * a->key_blocks * a->block_keys * a->width * (int64_t)sizeof(bf16) : 0;
}

static void begin_task(const struct attention *a) {
#if ATTENTION_AMX
  if (a->bf16) configure_tiles();
#endif
  (void)a;
}

static void end_task(const struct attention *a) {
#if ATTENTION_AMX
  if (a->bf16) _tile_release();
#endif
  (void)a;
}

static void pack(struct attention *a) {
#if ATTENTION_AMX
  if (a->bf16) parallel_for(a->kv_heads * a->key_blocks, 16, pack_blocks, a);
#endif
  (void)a;
}

struct forward {
  struct attention a;
  float *out, *lse;
};

static void forward_tasks(int64_t begin, int64_t end, void *context) {
  const struct forward *job = context;
  const struct attention *a = &job->a;
#if ATTENTION_AMX
  void *space = scratch((size_t)(a->bf16 ? forward_space_amx(a) : space_f32(a)));
#else
  void *space = scratch((size_t)space_f32(a));
#endif
  begin_task(a);
  struct row_block rows, next;
  take_rows(a, begin % a->kv_heads, begin / a->kv_heads, &rows);
  for (int64_t task = begin; task < end; task++, rows = next) {
    if (task + 1 < end) take_rows(a, (task + 1) % a->kv_heads, (task + 1) / a->kv_heads, &next);
#if ATTENTION_AMX
    if (a->bf16) {
      forward_amx(a, &rows, task + 1 < end ? &next : NULL, job->out, job->lse, space);
      continue;
    }
#endif
    forward_f32(a, &rows, job->out, job->lse, space);
  }
  end_task(a);
}

FETTLE_KERNEL(attention_forward) {
  struct forward job = {prepare(args + 2), PTR(float, 0), PTR(float, 1)};
  struct attention *a = &job.a;
  char *space = shared_scratch((size_t)(extremes_bytes(a) + 2 * packed_bytes(a)));
  find_extremes(a, take(&space, extremes_bytes(a)));
  if (a->bf16) {
    a->packed.k_rows = take(&space, packed_bytes(a));
    a->packed.v_columns = take(&space, packed_bytes(a));
    pack(a);
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
  struct upstream up;
  float *dk, *dv;
  int64_t parts, part_blocks; /* blocks of rows in a part */
  struct key_gradients *sums; /* [kv_heads][parts][key_blocks], null where the part sees nothing of the block */
};

enum { TASKS = 32, SMALLEST_PART = 8 };

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
#if ATTENTION_AMX
  void *space = scratch((size_t)(a->bf16 ? backward_space_amx(a) : space_f32(a)));
#else
  void *space = scratch((size_t)space_f32(a));
#endif
  begin_task(a);
  for (int64_t task = begin; task < end; task++) {
    /* Later parts see more keys; the longest tasks go first. */
    const int64_t kv_head = task % a->kv_heads, part = job->parts - 1 - task / a->kv_heads;
    const int64_t first = part * job->part_blocks, last = smaller(first + job->part_blocks, a->row_blocks);
    struct key_gradients *sums = sums_of(job, kv_head, part);
#if ATTENTION_AMX
    if (a->bf16) {
      for (int64_t number = first; number < last; number += PANEL_ROWS)
        backward_panel(a, kv_head, number, last, &job->up, sums, space);
      continue;
    }
#endif
    for (int64_t number = first; number < last; number++) {
      struct row_block rows;
      take_rows(a, kv_head, number, &rows);
      backward_f32(a, &rows, &job->up, sums, space);
    }
  }
  end_task(a);
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

FETTLE_KERNEL(attention_backward) {
  struct backward job = {
      .a = prepare(args + 7),
      .up = {PTR(const float, 4), PTR(const float, 5), PTR(const float, 6), PTR(float, 0), PTR(float, 3)},
      .dk = PTR(float, 1),
      .dv = PTR(float, 2),
  };
  struct attention *a = &job.a;
  const int64_t wanted = smaller(TASKS / a->kv_heads, a->row_blocks / SMALLEST_PART);
  job.part_blocks = wanted > 1 ? (a->row_blocks + wanted - 1) / wanted : a->row_blocks;
  job.parts = (a->row_blocks + job.part_blocks - 1) / job.part_blocks;
  find_extremes(a, scratch((size_t)extremes_bytes(a)));
  const int64_t count = place_sums(&job, NULL);
  const int64_t places = a->kv_heads * job.parts * a->key_blocks * (int64_t)sizeof(struct key_gradients);

  char *space = shared_scratch(
      (size_t)(extremes_bytes(a) + 3 * packed_bytes(a) + round_up(places, 64) + 2 * count * sum_bytes(a)));
  find_extremes(a, take(&space, extremes_bytes(a)));
  if (a->bf16) {
    a->packed.k_rows = take(&space, packed_bytes(a));
    a->packed.k_columns = take(&space, packed_bytes(a));
    a->packed.v_rows = take(&space, packed_bytes(a));
    pack(a);
  }
  job.sums = take(&space, places);
  place_sums(&job, space);
  parallel_for(a->kv_heads * job.parts, 1, backward_tasks, &job);
  parallel_for(a->key_blocks * a->kv_heads, 4, sum_parts, &job);
}
