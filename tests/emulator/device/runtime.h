// What a compiled kernel and the emulated driver agree on: the driver exports these functions and objects, and a kernel
// library exports one `fettle_module`. Included by both; free of other headers, so that kernels compile fast.
#pragma once

struct uint3 {
  unsigned x, y, z;
};

// Where the running thread stands. Its own view of it never changes, hence const for kernels.
struct FettleIndices {
  uint3 thread, block, blockSize, gridSize;
};

struct FettleKernel {
  const char *name; // null in the entry that ends the list
  // 0 where the source gives none.
  int launchBound;
  int parameters;
  const int *parameterSizes;
  // Calls the kernel; `arguments` points to each parameter's value.
  void (*call)(void **arguments);
};

struct FettleModule {
  const FettleKernel *kernels;
  // Static shared memory of all kernels: the whole .bss section, since nothing else is in it.
  unsigned char *staticShared, *staticSharedEnd;
};

// What happens once all lanes of a mask have arrived: `lanes[i]` is what lane i gave, null where lane i takes no part.
typedef void (*FettleCombine)(void *const *lanes);

struct FettleShuffle {
  unsigned long long value, result;
  int source; // lane
};

struct FettleVote {
  unsigned value, result;
};

struct FettleMma {
  float *d;
  const unsigned *a, *b;
};

struct FettleLdmatrix {
  unsigned *to;
  const void *row;
};

// d[64 x columns] (+)= a · b of a warpgroup: a in registers, or, where they are null, by descriptor.
struct FettleWgmma {
  float *d;
  const unsigned *a;
  unsigned long long aDescriptor, bDescriptor;
  int columns;
  bool byInner, add;
};

#pragma GCC visibility push(default)
extern "C" {
#ifndef FETTLE_EMULATOR_DRIVER
extern const FettleIndices fettle_indices;
extern unsigned char *const fettle_dynamic_shared;
#endif
// Waits until the other lanes of `mask` are there with the same `combine`, and has it run once for them all.
void fettle_warp_collective(const char *name, unsigned mask, void *own, FettleCombine combine);
void fettle_sync_threads(FettleVote *vote);
int fettle_lane();

void fettle_nothing(void *const *lanes);
void fettle_shuffle(void *const *lanes);
void fettle_ballot(void *const *lanes);
void fettle_reduce_add(void *const *lanes);
void fettle_reduce_min_signed(void *const *lanes);
void fettle_reduce_max_signed(void *const *lanes);
void fettle_reduce_min_unsigned(void *const *lanes);
void fettle_reduce_max_unsigned(void *const *lanes);
void fettle_mma_bf16(void *const *lanes);
void fettle_ldmatrix_x4(void *const *lanes);
void fettle_ldmatrix_x4_transposed(void *const *lanes);

void fettle_wgmma(void *const *lanes);
void fettle_wgmma_fence(void *const *lanes);
void fettle_wgmma_commit(void *const *lanes);
void fettle_wgmma_wait(void *const *lanes);
unsigned fettle_shared_address(const void *at);
void fettle_fence_for_products();

void fettle_copy_async16(void *to, const void *from, bool valid);
void fettle_copy_async_commit();
void fettle_copy_async_wait(int pending);
}
#pragma GCC visibility pop
