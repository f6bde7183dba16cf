/**
 * What every C kernel of Fettle includes: the calling convention, threads, memory. Vector arithmetic is in vector.h.
 *
 * A kernel is `void name(const double *args)`: pointers and numbers alike travel as doubles, in the order its op folder
 * declares. Addresses are below 2^53 and therefore exact; null is 0.
 *
 *     FETTLE_KERNEL(scale) {
 *       struct scale job = {PTR(float, 0), NUM(2)};
 *       parallel_for(INT(1), 4096, scale_range, &job);
 *     }
 *
 * Results must have the same bits for any number of threads: no sum is ever split by thread. Split the outputs, or cut
 * a sum into chunks of a fixed size and add the partial sums in order.
 */
#ifndef FETTLE_H
#define FETTLE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FETTLE_EXPORT __attribute__((visibility("default")))

/** Begins the definition of an exported kernel; `args` is in scope in its body. */
#define FETTLE_KERNEL(name)                    \
  FETTLE_EXPORT void name(const double *args); \
  void name(const double *args)

/** Argument i as a pointer to T, an integer, a number. */
#define PTR(T, i) ((T *)(uintptr_t)args[i])
#define INT(i) ((int64_t)args[i])
#define NUM(i) (args[i])

typedef void (*parallel_body)(int64_t begin, int64_t end, void *context);

/**
 * Calls body once for each chunk [k * grain, min(n, (k + 1) * grain)), on all threads, in any order, and returns when
 * all are done. The cut depends on n and grain only, so `begin / grain` numbers the chunks. Inside a body it runs
 * serially. A chunk should be worth 10 microseconds or more.
 */
void parallel_for(int64_t n, int64_t grain, parallel_body body, void *context);

/** Threads that parallel_for uses, the caller included. */
int thread_count(void);

/**
 * Memory of the calling thread, aligned to 64 bytes, contents undefined; valid until its next call of scratch. Also
 * inside a parallel body, where each thread gets its own. The process ends, with a message, if there is no memory.
 */
void *scratch(size_t bytes);

/** The same for what a kernel prepares once and all its threads read: a second region, apart from scratch. */
void *shared_scratch(size_t bytes);

/** Nonzero where this process may use AMX tiles for bf16 products. */
int amx_available(void);

#include "vector.h"

#endif
