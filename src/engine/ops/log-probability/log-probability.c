#include "../cross-entropy/logits.h"

struct log_probability {
  float *out, *logits;
  const int32_t *row, *token;
  int64_t first, vocabulary, entries;
  float softcap;
};

/** The first entry whose row is not below `wanted`. */
static int64_t first_entry(const struct log_probability *c, int64_t wanted) {
  int64_t low = 0, high = c->entries;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (c->row[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

static void log_probability_rows(int64_t begin, int64_t end, void *context) {
  const struct log_probability *c = context;
  int64_t entry = first_entry(c, c->first + begin);
  while (entry < c->entries && c->row[entry] < c->first + end) {
    const int32_t row = c->row[entry];
    float *z = c->logits + (row - c->first) * c->vocabulary;
    if (c->softcap != 0) cap_logits(z, c->vocabulary, c->softcap);
    const float total = log_sum_exp(z, c->vocabulary);
    for (; entry < c->entries && c->row[entry] == row; entry++) c->out[entry] = z[c->token[entry]] - total;
  }
}

FETTLE_KERNEL(log_probability) {
  struct log_probability c = {
      .out = PTR(float, 0),
      .logits = PTR(float, 1),
      .first = INT(2),
      .vocabulary = INT(4),
      .row = PTR(int32_t, 5),
      .token = PTR(int32_t, 6),
      .entries = INT(7),
      .softcap = NUM(8),
  };
  parallel_for(INT(3), rows_per_chunk(c.vocabulary), log_probability_rows, &c);
}
