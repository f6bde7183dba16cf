/** A task is one row: its sums, then one look at every logit, of which few are among the largest so far. */
#include "fettle.h"

enum { TOP = 64, BLOCK = 4 * LANES };

struct job {
  int32_t *ids;
  float *top, *statistics, *logits;
  int64_t begin, vocabulary, words;
  const float *inverse_temperature;
  const uint32_t *masks;
  const int32_t *mask_of;
  float softcap;
};

static void squeeze(float *z, int64_t count, float cap) {
  for (int64_t i = 0; i < count; i += LANES)
    vstore_upto(z + i, cap * vtanh(vload_upto(z + i, count - i) / cap), count - i);
}

static float largest(const float *z, int64_t count) {
  vfloat most = vset(-INFINITY);
  int64_t i = 0;
  for (; i + LANES <= count; i += LANES) most = vmax(most, vload(z + i));
  float result = vmaximum(most);
  for (; i < count; i++) result = z[i] > result ? z[i] : result;
  return result;
}

/** Sum of exp((z - base) * factor). */
static float sum_weights(const float *z, int64_t count, float base, float factor) {
  vfloat sum = vset(0);
  int64_t i = 0;
  for (; i + LANES <= count; i += LANES) sum += vexp((vload(z + i) - base) * factor);
  if (i < count) {
    float rest[LANES];
    for (int64_t j = 0; j < LANES; j++) rest[j] = i + j < count ? z[i + j] : -INFINITY;
    sum += vexp((vload(rest) - base) * factor);
  }
  return vsum(sum);
}

static void forbid(float *z, int64_t count, const uint32_t *mask) {
  for (int64_t word = 0; word * 32 < count; word++) {
    if (mask[word] == 0xffffffffu) continue;
    const int64_t end = count - word * 32 < 32 ? count - word * 32 : 32;
    for (int64_t bit = 0; bit < end; bit++)
      if (!(mask[word] >> bit & 1)) z[word * 32 + bit] = -INFINITY;
  }
}

/** The largest so far, by falling value; equals in the order in which they came. */
struct best {
  int32_t *ids;
  float *values;
  int64_t count;
};

static inline void insert(struct best *best, float value, int64_t id) {
  if (best->count == TOP && !(value > best->values[TOP - 1])) return;
  int64_t at = best->count < TOP ? best->count++ : TOP - 1;
  for (; at > 0 && value > best->values[at - 1]; at--) {
    best->values[at] = best->values[at - 1];
    best->ids[at] = best->ids[at - 1];
  }
  best->values[at] = value;
  best->ids[at] = (int32_t)id;
}

static void find_best(struct best *best, const float *z, int64_t count) {
  for (int64_t i = 0; i < count; i += BLOCK) {
    const int64_t end = i + BLOCK < count ? i + BLOCK : count;
    if (end - i == BLOCK && best->count == TOP) {
      vfloat most = vload(z + i);
      for (int64_t j = LANES; j < BLOCK; j += LANES) most = vmax(most, vload(z + i + j));
      if (!(vmaximum(most) > best->values[TOP - 1])) continue;
    }
    for (int64_t id = i; id < end; id++)
      if (z[id] > -INFINITY) insert(best, z[id], id);
  }
  for (; best->count < TOP; best->count++) {
    best->values[best->count] = -INFINITY;
    best->ids[best->count] = -1;
  }
}

static void rows_range(int64_t begin, int64_t end, void *context) {
  const struct job *c = context;
  for (int64_t i = begin; i < end; i++) {
    const int64_t row = c->begin + i;
    float *z = c->logits + i * c->vocabulary;
    if (c->softcap > 0) squeeze(z, c->vocabulary, c->softcap);
    float base = largest(z, c->vocabulary);
    c->statistics[2 * row] = base + logf(sum_weights(z, c->vocabulary, base, 1));
    const int32_t mask = c->mask_of == NULL ? -1 : c->mask_of[row];
    if (mask >= 0) {
      forbid(z, c->vocabulary, c->masks + mask * c->words);
      base = largest(z, c->vocabulary);
    }
    c->statistics[2 * row + 1] = sum_weights(z, c->vocabulary, base, c->inverse_temperature[row]);
    struct best best = {c->ids + row * TOP, c->top + row * TOP, 0};
    find_best(&best, z, c->vocabulary);
  }
}

FETTLE_KERNEL(top_tokens) {
  struct job c = {
      .ids = PTR(int32_t, 0),
      .top = PTR(float, 1),
      .statistics = PTR(float, 2),
      .logits = PTR(float, 3),
      .begin = INT(4),
      .vocabulary = INT(6),
      .inverse_temperature = PTR(const float, 7),
      .masks = PTR(const uint32_t, 8),
      .words = INT(9),
      .mask_of = PTR(const int32_t, 10),
      .softcap = (float)NUM(11),
  };
  parallel_for(INT(5), 1, rows_range, &c);
}
