/**
 * A task is one query under the heads that share a key-value head. Its numbers are computed in one order, whatever else
 * is computed: scores of all visible keys, their softmax, then the sum of values, key after key.
 */
#include "fettle.h"

enum {
  /** Keys whose scores are computed together, to hide the latency of additions. */
  TOGETHER = 4,
  /** Vectors of a sum that are in registers at once. */
  VECTORS = 8,
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

static const float *line(const struct paged *c, const struct visible *seen, const float *store, int64_t i,
                         int64_t kv_head) {
  const int64_t position = seen->first + i, page = seen->pages[position / c->page_size];
  return store + ((page * c->page_size + position % c->page_size) * c->kv_heads + kv_head) * c->dim;
}

/** scores [heads of the group][padded], not yet scaled. */
static void multiply_keys(const struct paged *c, const struct visible *seen, int64_t kv_head, int64_t group,
                          const float *q, float *scores, int64_t padded) {
  for (int64_t i = 0; i < seen->count; i += TOGETHER) {
    const int64_t keys = seen->count - i < TOGETHER ? seen->count - i : TOGETHER;
    const float *k[TOGETHER];
    for (int64_t j = 0; j < TOGETHER; j++) k[j] = line(c, seen, c->keys, i + (j < keys ? j : 0), kv_head);
    for (int64_t member = 0; member < group; member++) {
      const float *own = q + member * c->dim;
      vfloat sum[TOGETHER] = {vset(0), vset(0), vset(0), vset(0)};
      for (int64_t at = 0; at < c->dim; at += LANES) {
        const vfloat x = vload_upto(own + at, c->dim - at);
        for (int64_t j = 0; j < TOGETHER; j++) sum[j] += x * vload_upto(k[j] + at, c->dim - at);
      }
      for (int64_t j = 0; j < keys; j++) scores[member * padded + i + j] = vsum(sum[j]);
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

/** out [dim] = factor times the weighted sum of values, `vectors` vectors of it from `at` on. */
static void add_values(const struct paged *c, const struct visible *seen, int64_t kv_head, const float *weights,
                       float factor, int64_t at, float *out) {
  vfloat sum[VECTORS];
  for (int64_t j = 0; j < VECTORS; j++) sum[j] = vset(0);
  const int64_t width = c->dim - at < VECTORS * LANES ? c->dim - at : VECTORS * LANES;
  const int64_t whole = width / LANES, rest = width % LANES;
  for (int64_t i = 0; i < seen->count; i++) {
    const float *v = line(c, seen, c->values, i, kv_head) + at;
    const float weight = weights[i];
    for (int64_t j = 0; j < whole; j++) sum[j] += weight * vload(v + j * LANES);
    if (rest > 0) sum[whole] += weight * vload_part(v + whole * LANES, rest);
  }
  for (int64_t j = 0; j < whole; j++) vstore(out + at + j * LANES, sum[j] * factor);
  if (rest > 0) vstore_part(out + at + whole * LANES, sum[whole] * factor, rest);
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
      for (int64_t at = 0; at < c->dim; at += VECTORS * LANES)
        add_values(c, &seen, kv_head, weights, factor, at, c->out + row + member * c->dim);
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
