#include "fettle.h"

enum { F32 = 0, BF16 = 1 };

struct cast {
  void *y;
  const void *x;
  int y_dtype, x_dtype;
};

static void widen(float *y, const bf16 *x, int64_t length) {
  int64_t i = 0;
  for (; i + LANES <= length; i += LANES) vstore(y + i, vload_bf16(x + i));
  for (; i < length; i++) y[i] = bf16_to_float(x[i]);
}

static void narrow(bf16 *y, const float *x, int64_t length) {
  int64_t i = 0;
  for (; i + LANES <= length; i += LANES) vstore_bf16(y + i, vload(x + i));
  for (; i < length; i++) y[i] = bf16_from_float(x[i]);
}

static void cast_range(int64_t begin, int64_t end, void *context) {
  const struct cast *job = context;
  int64_t length = end - begin;
  int64_t size = job->x_dtype == BF16 ? sizeof(bf16) : sizeof(float);
  if (job->x_dtype == job->y_dtype)
    memcpy((char *)job->y + begin * size, (const char *)job->x + begin * size, (size_t)(length * size));
  else if (job->x_dtype == BF16)
    widen((float *)job->y + begin, (const bf16 *)job->x + begin, length);
  else
    narrow((bf16 *)job->y + begin, (const float *)job->x + begin, length);
}

FETTLE_KERNEL(cast) {
  struct cast job = {PTR(void, 0), PTR(const void, 2), (int)INT(1), (int)INT(3)};
  parallel_for(INT(4), 1 << 16, cast_range, &job);
}
