/** What follows a linear head, for one row of logits: the soft cap and the sum of exponentials. */
#ifndef FETTLE_LOGITS_H
#define FETTLE_LOGITS_H

#include "fettle.h"

/** The rows a thread should take at once. */
static inline int64_t rows_per_chunk(int64_t vocabulary) {
  const int64_t rows = 8192 / vocabulary;
  return rows > 1 ? rows : 1;
}

/** Lanes beyond `count` are -infinity: they add nothing to a maximum or a sum of exponentials. */
static inline vfloat load_logits(const float *from, int64_t count) {
  if (count >= LANES) return vload(from);
  vfloat value = vset(-INFINITY);
  memcpy(&value, from, count * sizeof *from);
  return value;
}

static inline void store_logits(float *to, vfloat value, int64_t count) {
  if (count >= LANES) vstore(to, value);
  else vstore_part(to, value, count);
}

/** z becomes softcap tanh(z / softcap), in place. */
static inline void cap_logits(float *z, int64_t vocabulary, float softcap) {
  const float inverse = 1.0f / softcap;
  for (int64_t i = 0; i < vocabulary; i += LANES) {
    const int64_t count = vocabulary - i;
    store_logits(z + i, softcap * vtanh(load_logits(z + i, count) * inverse), count);
  }
}

static inline float log_sum_exp(const float *z, int64_t vocabulary) {
  vfloat largest = vset(-INFINITY);
  for (int64_t i = 0; i < vocabulary; i += LANES) largest = vmax(largest, load_logits(z + i, vocabulary - i));
  const float shift = vmaximum(largest);
  vfloat sum = {0};
  for (int64_t i = 0; i < vocabulary; i += LANES) sum += vexp(load_logits(z + i, vocabulary - i) - shift);
  return shift + logf(vsum(sum));
}

#endif
