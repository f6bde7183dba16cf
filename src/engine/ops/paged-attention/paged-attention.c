/**
 * A task is one query under the heads that share a key-value head. Its numbers are computed in one order, whatever else
 * is computed: scores of all visible keys, their softmax, then the sum of values, key after key.
 */
#include "fettle.h"

enum {
  /** Keys whose scores are computed together, to hide the latency of additions. */
  TOGETHER = 4,
  /** Vectors of a sum that are in registers at once. */
  VECTORS = 4,
};

struct store {
  float *keys, *values;
  const float *k, *v;
  const int32_t *place;
  int64_t width;
};

static void store_range(int64_t begin, int64_t end, void *context) {
  const struct store *c = context;
  const size_t bytes = (size_t)c->width * sizeof(float);
  for (int64_t i = begin; i < end; i++) {
    memcpy(c->keys + c->place[i] * c->width, c->k + i * c->width, bytes);
    memcpy(c->values + c->place[i] * c->width, c->v + i * c->width, bytes);
  }
}

FETTLE_KERNEL(store_pages) {
  struct store c = {PTR(float, 0), PTR(float, 1), PTR(float, 2), PTR(float, 3), PTR(int32_t, 4), INT(6)};
  parallel_for(INT(5), 1 + 16384 / (c.width + 1), store_range, &c);
}

struct paged {
  float *out;
  const float *q, *keys, *values;
  const int32_t *sequence, *position, *pages;
  int64_t pages_each, page_size, heads, kv_heads, dim, window;
  float scale, softcap;
};

/** The visible keys of a query: `count` from position `first` on. */
struct visible {
  int64_t first, count;
  const int32_t *pages;
};

/** Visible keys that follow each other in one page: from number `at` on, `count` of them, the first one's place. */
struct run {
  int64_t at, count, place;
};

/** The first run, or the one after `run`; count 0 where there is none. */
static inline struct run next_run(const struct paged *c, const struct visible *seen, struct run run) {
  const int64_t at = run.at + run.count, position = seen->first + at, offset = position % c->page_size;
  const int64_t left = seen->count - at, room = c->page_size - offset;
  return (struct run){at, left < room ? left : room,
                      left > 0 ? seen->pages[position / c->page_size] * c->page_size + offset : 0};
}

/** products [TOGETHER] of a line of q with lines of keys. */
static inline void multiply_lines(const float *q, const float *const *k, int64_t dim, float *products) {
  vfloat a = vset(0), b = vset(0), c = vset(0), d = vset(0);
  int64_t at = 0;
  for (; at + LANES <= dim; at += LANES) {
    const vfloat x = vload(q + at);
    a += x * vload(k[0] + at);
    b += x * vload(k[1] + at);
    c += x * vload(k[2] + at);
    d += x * vload(k[3] + at);
  }
  if (at < dim) {
    const vfloat x = vload_part(q + at, dim - at);
    a += x * vload_part(k[0] + at, dim - at);
    b += x * vload_part(k[1] + at, dim - at);
    c += x * vload_part(k[2] + at, dim - at);
    d += x * vload_part(k[3] + at, dim - at);
  }
  products[0] = vsum(a);
  products[1] = vsum(b);
  products[2] = vsum(c);
  products[3] = vsum(d);
}

/** scores [heads of the group][padded], not yet scaled. */
static void multiply_keys(const struct paged *c, const struct visible *seen, int64_t kv_head, int64_t group,
                          const float *q, float *scores, int64_t padded) {
  const int64_t stride = c->kv_heads * c->dim;
  struct run run = {0, 0, 0};
  for (run = next_run(c, seen, run); run.count > 0; run = next_run(c, seen, run)) {
    const float *keys = c->keys + (run.place * c->kv_heads + kv_head) * c->dim;
    for (int64_t i = 0; i < run.count; i += TOGETHER) {
      const int64_t count = run.count - i < TOGETHER ? run.count - i : TOGETHER;
      const float *k[TOGETHER];
      for (int64_t j = 0; j < TOGETHER; j++) k[j] = keys + (i + (j < count ? j : 0)) * stride;
      for (int64_t member = 0; member < group; member++) {
        float products[TOGETHER];
        multiply_lines(q + member * c->dim, k, c->dim, products);
        memcpy(scores + member * padded + run.at + i, products, (size_t)count * sizeof(float));
      }
    }
  }
}

/** Scores become weights that are not yet divided by their sum, which is returned. */
static float weigh(const struct paged *c, float *scores, int64_t count, int64_t padded) {
  for (int64_t i = count; i < padded; i++) scores[i] = -INFINITY;
  vfloat most = vset(-INFINITY);
  for (int64_t i = 0; i < padded; i += LANES) {
    vfloat score = vload(scores + i) * c->scale;
    if (c->softcap > 0) {
      const vfloat capped = c->softcap * vtanh(score / c->softcap);
      score = vselect(score == -INFINITY, score, capped);
    }
    vstore(scores + i, score);
    most = vmax(most, score);
  }
  const float largest = vmaximum(most);
  vfloat sum = vset(0);
  for (int64_t i = 0; i < padded; i += LANES) {
    const vfloat weight = vexp(vload(scores + i) - largest);
    vstore(scores + i, weight);
    sum += weight;
  }
  return vsum(sum);
}

/** out = factor times the weighted sum of values: `whole` vectors of it, which are in registers, from `at` on. */
static inline __attribute__((always_inline)) void add_vectors(const struct paged *c, const struct visible *seen,
                                                              int64_t kv_head, const float *weights, float factor,
                                                              int64_t at, float *out, const int64_t whole) {
  const int64_t stride = c->kv_heads * c->dim;
  vfloat sum[VECTORS];
  for (int64_t j = 0; j < whole; j++) sum[j] = vset(0);
  struct run run = {0, 0, 0};
  for (run = next_run(c, seen, run); run.count > 0; run = next_run(c, seen, run)) {
    const float *v = c->values + (run.place * c->kv_heads + kv_head) * c->dim + at;
    for (int64_t i = 0; i < run.count; i++, v += stride)
      for (int64_t j = 0; j < whole; j++) sum[j] += weights[run.at + i] * vload(v + j * LANES);
  }
  for (int64_t j = 0; j < whole; j++) vstore(out + at + j * LANES, sum[j] * factor);
}

/** The same for the last elements, fewer than a vector. */
static void add_rest(const struct paged *c, const struct visible *seen, int64_t kv_head, const float *weights,
                     float factor, int64_t at, float *out) {
  const int64_t stride = c->kv_heads * c->dim, count = c->dim - at;
  vfloat sum = vset(0);
  struct run run = {0, 0, 0};
  for (run = next_run(c, seen, run); run.count > 0; run = next_run(c, seen, run)) {
    const float *v = c->values + (run.place * c->kv_heads + kv_head) * c->dim + at;
    for (int64_t i = 0; i < run.count; i++, v += stride) sum += weights[run.at + i] * vload_part(v, count);
  }
  vstore_part(out + at, sum * factor, count);
}

static void add_values(const struct paged *c, const struct visible *seen, int64_t kv_head, const float *weights,
                       float factor, float *out) {
  int64_t at = 0;
  for (; c->dim - at >= VECTORS * LANES; at += VECTORS * LANES)
    add_vectors(c, seen, kv_head, weights, factor, at, out, VECTORS);
  for (; c->dim - at >= 2 * LANES; at += 2 * LANES) add_vectors(c, seen, kv_head, weights, factor, at, out, 2);
  for (; c->dim - at >= LANES; at += LANES) add_vectors(c, seen, kv_head, weights, factor, at, out, 1);
  if (c->dim > at) add_rest(c, seen, kv_head, weights, factor, at, out);
}

static void attend_range(int64_t begin, int64_t end, void *context) {
  const struct paged *c = context;
  const int64_t group = c->heads / c->kv_heads;
  for (int64_t task = begin; task < end; task++) {
    const int64_t query = task / c->kv_heads, kv_head = task % c->kv_heads, last = c->position[query];
    const int64_t first = c->window > 0 && last >= c->window ? last - c->window + 1 : 0;
    const struct visible seen = {first, last - first + 1, c->pages + c->sequence[query] * c->pages_each};
    const int64_t padded = (seen.count + LANES - 1) / LANES * LANES;
    const int64_t row = (query * c->heads + kv_head * group) * c->dim;
    float *scores = scratch((size_t)(group * padded) * sizeof *scores);
    multiply_keys(c, &seen, kv_head, group, c->q + row, scores, padded);
    for (int64_t member = 0; member < group; member++) {
      float *weights = scores + member * padded;
      const float factor = 1 / weigh(c, weights, seen.count, padded);
      add_values(c, &seen, kv_head, weights, factor, c->out + row + member * c->dim);
    }
  }
}

FETTLE_KERNEL(paged_attention) {
  struct paged c = {
      .out = PTR(float, 0),
      .q = PTR(const float, 1),
      .keys = PTR(const float, 2),
      .values = PTR(const float, 3),
      .sequence = PTR(const int32_t, 4),
      .position = PTR(const int32_t, 5),
      .pages = PTR(const int32_t, 6),
      .pages_each = INT(8),
      .page_size = INT(9),
      .heads = INT(10),
      .kv_heads = INT(11),
      .dim = INT(12),
      .scale = (float)NUM(13),
      .window = INT(14),
      .softcap = (float)NUM(15),
  };
  parallel_for(INT(7) * c.kv_heads, 1, attend_range, &c);
}
