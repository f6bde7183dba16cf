// Products by warpgroups, which only Hopper has (wgmma): for sources that are compiled for sm_90a, named *.sm_90a.cu.
//
// A warpgroup is four warps, the first of them divisible by four. Its products begin in order and are done when it has
// waited for them; until then nobody may write what they read, nor touch the registers that they add to.
//
// Factors lie in shared memory as tiles: lines of bf16 in panels of 64 columns, one panel after the other. A line of a
// panel takes 128 bytes, in which 16 bytes `chunk` lie at place chunk ^ line % 8: so what a product reads at once, eight
// lines in one direction or 64 columns in the other, lies in distinct banks. Tiles begin at multiples of 1024 bytes.
#pragma once
#include "fettle.cuh"

constexpr int WARPGROUP = 4 * WARP, WARPGROUP_LINES = 64;
constexpr int PANEL_COLUMNS = 64, PANEL_LINE_BYTES = 128, TILE_ALIGNMENT = 1024;

// Where 8 columns lie in a tile of `lines` lines, counted in elements.
__device__ __forceinline__ u32 tile_offset(u32 lines, u32 line, u32 chunk) {
  return (chunk / 8 * lines + line) * PANEL_COLUMNS + ((chunk ^ line) % 8) * 8;
}

// How wgmma is told of a factor: the address and two distances, in units of 16 bytes, and that its bytes are swizzled.
// Distances: from eight lines to the next eight, and, where lines are the inner dimension, from panel to panel.
__device__ __forceinline__ u64 tile_descriptor(u32 address, u32 lines) {
  u64 to_next_panel = lines * PANEL_LINE_BYTES / 16, to_next_lines = 8 * PANEL_LINE_BYTES / 16;
  u64 swizzled_in_128_bytes = 1;
  return (address & 0x3ffff) / 16 | to_next_panel << 16 | to_next_lines << 32 | swizzled_in_128_bytes << 62;
}

// ---- what only PTX can say; the emulator of the tests has functions of its own by these names ----------------------

#ifndef FETTLE_EMULATOR

// Orders this thread's registers, and what its warpgroup has written, before the products that follow.
__device__ __forceinline__ void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

// The products since the last commit are a group.
__device__ __forceinline__ void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

// Waits until at most `pending` groups are under way.
template <int pending>
__device__ __forceinline__ void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(pending) : "memory");
}

// What this thread has written to shared memory, by stores or by copies it waited for, becomes visible to products that
// begin after a barrier.
__device__ __forceinline__ void fence_for_products() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// Registers that products added to hold their result from here on: the compiler moves no use of them before.
template <int N>
__device__ __forceinline__ void settle(float (&d)[N][4]) {
#pragma unroll
  for (int n = 0; n < N; n++)
    asm volatile("" : "+f"(d[n][0]), "+f"(d[n][1]), "+f"(d[n][2]), "+f"(d[n][3])::"memory");
}

// Operands of an instruction that adds to N / 2 registers a thread.
#define FETTLE_SUM_16(d, n)                                                                                            \
  "+f"(d[n][0]), "+f"(d[n][1]), "+f"(d[n][2]), "+f"(d[n][3]), "+f"(d[n + 1][0]), "+f"(d[n + 1][1]),                    \
      "+f"(d[n + 1][2]), "+f"(d[n + 1][3]), "+f"(d[n + 2][0]), "+f"(d[n + 2][1]), "+f"(d[n + 2][2]),                   \
      "+f"(d[n + 2][3]), "+f"(d[n + 3][0]), "+f"(d[n + 3][1]), "+f"(d[n + 3][2]), "+f"(d[n + 3][3])
#define FETTLE_SUM_64(d) FETTLE_SUM_16(d, 0), FETTLE_SUM_16(d, 4)
#define FETTLE_SUM_128(d) FETTLE_SUM_64(d), FETTLE_SUM_16(d, 8), FETTLE_SUM_16(d, 12)
#define FETTLE_NAMES_64                                                                                                \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, "     \
  "%24, %25, %26, %27, %28, %29, %30, %31"
#define FETTLE_NAMES_128                                                                                               \
  FETTLE_NAMES_64 ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, "  \
                  "%51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"

// d[64 x N] = a[64 x 16] · b[16 x N], or d + that where `add`: bf16 in, f32 out. Fragments of d, and of a in registers,
// are those of mma_bf16, N / 8 beside each other; warp w of the warpgroup has lines 16 · w and on. In shared memory `a`
// is a tile whose lines are the product's. Those of `b` are the product's columns, or the inner ones where BY_INNER.
// Numbers in the macro: the operands after the registers of d.
#define FETTLE_WGMMA(N, n0, n1, n2, n3, n4, n5, n6)                                                                    \
  template <bool BY_INNER>                                                                                             \
  __device__ __forceinline__ void wgmma(float(&d)[N / 8][4], const u32(&a)[4], u64 b, bool add) {                      \
    asm volatile("{\n.reg .pred add;\nsetp.ne.b32 add, %" #n5 ", 0;\n"                                                 \
                 "wgmma.mma_async.sync.aligned.m64n" #N "k16.f32.bf16.bf16 {" FETTLE_NAMES_##N "}, {%" #n0 ", %" #n1   \
                 ", %" #n2 ", %" #n3 "}, %" #n4 ", add, 1, 1, %" #n6 ";\n}"                                            \
                 : FETTLE_SUM_##N(d)                                                                                   \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(static_cast<int>(add)), "n"(BY_INNER));     \
  }                                                                                                                    \
  template <bool BY_INNER>                                                                                             \
  __device__ __forceinline__ void wgmma(float(&d)[N / 8][4], u64 a, u64 b, bool add) {                                 \
    asm volatile("{\n.reg .pred add;\nsetp.ne.b32 add, %" #n2 ", 0;\n"                                                 \
                 "wgmma.mma_async.sync.aligned.m64n" #N "k16.f32.bf16.bf16 {" FETTLE_NAMES_##N "}, %" #n0 ", %" #n1    \
                 ", add, 1, 1, 0, %" #n3 ";\n}"                                                                        \
                 : FETTLE_SUM_##N(d)                                                                                   \
                 : "l"(a), "l"(b), "r"(static_cast<int>(add)), "n"(BY_INNER));                                         \
  }
FETTLE_WGMMA(64, 32, 33, 34, 35, 36, 37, 38)
FETTLE_WGMMA(128, 64, 65, 66, 67, 68, 69, 70)

#endif
