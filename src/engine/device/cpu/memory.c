/** Memory: what the device's allocator takes from the system, and scratch that kernels keep between calls. */
#include "fettle.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__linux__)
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

static const size_t HUGE_PAGE = 2u << 20;

/** Memory of `bytes`, aligned to 64 bytes, in huge pages where large; null if there is none. Contents undefined. */
static void *allocate(size_t bytes) {
  size_t size = bytes > 64 ? bytes : 64;
  size_t alignment = size >= 2 * HUGE_PAGE ? HUGE_PAGE : 64;
  void *memory = NULL;
  if (posix_memalign(&memory, alignment, size) != 0) return NULL;
#if defined(MADV_HUGEPAGE)
  if (alignment == HUGE_PAGE) madvise(memory, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
  return memory;
}

/** For the device: an address as a double, 0 when there is no memory. */
FETTLE_EXPORT double fettle_allocate(double bytes);
double fettle_allocate(double bytes) {
  return (double)(uintptr_t)allocate((size_t)bytes);
}

FETTLE_EXPORT void fettle_free(double address);
void fettle_free(double address) {
  free((void *)(uintptr_t)address);
}

struct transfer {
  char *to;
  const char *from; /* null: zeros */
};

static void transfer_range(int64_t begin, int64_t end, void *context) {
  const struct transfer *job = context;
  if (job->from) memcpy(job->to + begin, job->from + begin, (size_t)(end - begin));
  else memset(job->to + begin, 0, (size_t)(end - begin));
}

/** [address, bytes] */
FETTLE_KERNEL(fettle_zero) {
  struct transfer job = {PTR(char, 0), NULL};
  parallel_for(INT(1), 1 << 20, transfer_range, &job);
}

/** [to, from, bytes]; the ranges do not overlap. */
FETTLE_KERNEL(fettle_copy) {
  struct transfer job = {PTR(char, 0), PTR(const char, 1)};
  parallel_for(INT(2), 1 << 20, transfer_range, &job);
}

struct region {
  void *memory;
  size_t bytes;
};

static void *grow(struct region *region, size_t bytes) {
  if (bytes <= region->bytes) return region->memory;
  free(region->memory);
  /* A quarter more than asked, so that slowly growing shapes do not allocate anew each time. */
  region->bytes = bytes + bytes / 4;
  region->memory = allocate(region->bytes);
  if (!region->memory) {
    fprintf(stderr, "fettle: no memory for %zu bytes of kernel scratch\n", region->bytes);
    abort();
  }
  return region->memory;
}

void *scratch(size_t bytes) {
  static _Thread_local struct region own;
  return grow(&own, bytes);
}

void *shared_scratch(size_t bytes) {
  static struct region shared;
  return grow(&shared, bytes);
}

int amx_available(void) {
#if defined(__linux__) && defined(__x86_64__) && defined(__AMX_BF16__) && defined(__AMX_TILE__)
  /* The kernel hands out the tile registers on request, once per process: ARCH_REQ_XCOMP_PERM of XFEATURE_XTILEDATA. */
  static int known = -1;
  if (known < 0) known = syscall(SYS_arch_prctl, 0x1023, 18) == 0;
  return known;
#else
  return 0;
#endif
}

/** What products in bf16 run on: 3 AMX, 2 AVX-512 BF16, 1 f32 products of rounded inputs. */
FETTLE_EXPORT int fettle_bf16_support(void);
int fettle_bf16_support(void) {
  if (amx_available()) return 3;
#if defined(__AVX512BF16__)
  return 2;
#else
  return 1;
#endif
}

/** Lanes of a vector of floats: 16 with AVX-512, 8 with AVX, else 4. */
FETTLE_EXPORT int fettle_lanes(void);
int fettle_lanes(void) {
  return LANES;
}
