// What every CUDA kernel of Fettle is written with. No header of the CUDA toolkit is needed: NVRTC knows the rest.
// Types of arrays are macros (X, W, ...) that the launch sets to f32 or bf16; arithmetic is in f32.
#pragma once

typedef float f32;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int i32;
typedef long long i64;

struct bf16 {
  u16 bits;
};

constexpr int WARP = 32;
constexpr u32 ALL_LANES = 0xffffffffu;

// ---- numbers -------------------------------------------------------------------------------------------------------

__device__ __forceinline__ float to_f32(float x) { return x; }
__device__ __forceinline__ float to_f32(bf16 x) { return __uint_as_float(static_cast<u32>(x.bits) << 16); }

// To nearest, ties to even; NaN stays NaN.
__device__ __forceinline__ u16 bf16_bits(float x) {
  u32 bits = __float_as_uint(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<u16>((bits >> 16) | 0x40u);
  return static_cast<u16>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

__device__ __forceinline__ void store(float *at, float x) { *at = x; }
__device__ __forceinline__ void store(bf16 *at, float x) { at->bits = bf16_bits(x); }

// Two floats as two bf16 in one word, `low` in the lower half.
__device__ __forceinline__ u32 pack_bf16(float low, float high) {
#ifdef FETTLE_EMULATOR
  return bf16_bits(low) | (static_cast<u32>(bf16_bits(high)) << 16);
#else
  u32 packed;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
  return packed;
#endif
}

__device__ __forceinline__ float low_bf16(u32 packed) { return __uint_as_float(packed << 16); }
__device__ __forceinline__ float high_bf16(u32 packed) { return __uint_as_float(packed & 0xffff0000u); }

// ---- eight values at once: 16 or 32 bytes, aligned to 16 --------------------------------------------------------------

__device__ __forceinline__ void load8(const float *from, float *x) {
  float4 a = reinterpret_cast<const float4 *>(from)[0], b = reinterpret_cast<const float4 *>(from)[1];
  x[0] = a.x, x[1] = a.y, x[2] = a.z, x[3] = a.w, x[4] = b.x, x[5] = b.y, x[6] = b.z, x[7] = b.w;
}

__device__ __forceinline__ void load8(const bf16 *from, float *x) {
  uint4 v = *reinterpret_cast<const uint4 *>(from);
  x[0] = low_bf16(v.x), x[1] = high_bf16(v.x), x[2] = low_bf16(v.y), x[3] = high_bf16(v.y);
  x[4] = low_bf16(v.z), x[5] = high_bf16(v.z), x[6] = low_bf16(v.w), x[7] = high_bf16(v.w);
}

__device__ __forceinline__ void store8(float *at, const float *x) {
  reinterpret_cast<float4 *>(at)[0] = make_float4(x[0], x[1], x[2], x[3]);
  reinterpret_cast<float4 *>(at)[1] = make_float4(x[4], x[5], x[6], x[7]);
}

__device__ __forceinline__ void store8(bf16 *at, const float *x) {
  uint4 v;
  v.x = pack_bf16(x[0], x[1]), v.y = pack_bf16(x[2], x[3]), v.z = pack_bf16(x[4], x[5]), v.w = pack_bf16(x[6], x[7]);
  *reinterpret_cast<uint4 *>(at) = v;
}

// The same where an array may begin anywhere and only the first `count` values exist, which may be none or more than
// eight; the others are read as `absent` and not written.
template <typename T>
__device__ __forceinline__ void load8(const T *from, float *x, i64 count, float absent = 0.f) {
  if (count >= 8 && reinterpret_cast<u64>(from) % 16 == 0) return load8(from, x);
#pragma unroll
  for (int i = 0; i < 8; i++) x[i] = i < count ? to_f32(from[i]) : absent;
}

template <typename T>
__device__ __forceinline__ void store8(T *at, const float *x, i64 count) {
  if (count >= 8 && reinterpret_cast<u64>(at) % 16 == 0) return store8(at, x);
#pragma unroll
  for (int i = 0; i < 8; i++) {
    if (i < count) store(at + i, x[i]);
  }
}

// Where this thread begins when the threads of a grid take eight consecutive elements each.
__device__ __forceinline__ i64 eight_each() { return (static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x) * 8; }

// ---- reductions, in a fixed order ---------------------------------------------------------------------------------------

__device__ __forceinline__ float warp_sum(float x) {
  for (int lanes = WARP / 2; lanes > 0; lanes /= 2) x += __shfl_xor_sync(ALL_LANES, x, lanes);
  return x;
}

__device__ __forceinline__ float warp_max(float x) {
  for (int lanes = WARP / 2; lanes > 0; lanes /= 2) x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, lanes));
  return x;
}

// Sum over the block, known to every thread. `parts`: 32 floats of shared memory. All threads must call it.
__device__ __forceinline__ float block_sum(float x, float *parts) {
  int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = (blockDim.x + WARP - 1) / WARP;
  x = warp_sum(x);
  __syncthreads();
  if (lane == 0) parts[warp] = x;
  __syncthreads();
  return warp_sum(lane < warps ? parts[lane] : 0.f);
}

__device__ __forceinline__ float block_max(float x, float *parts) {
  int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = (blockDim.x + WARP - 1) / WARP;
  x = warp_max(x);
  __syncthreads();
  if (lane == 0) parts[warp] = x;
  __syncthreads();
  return warp_max(lane < warps ? parts[lane] : parts[0]);
}

// ---- what only PTX can say; the emulator of the tests has functions of its own by these names ----------------------

#ifndef FETTLE_EMULATOR

// Dynamic shared memory of the block, as bytes aligned to 128.
#define FETTLE_SHARED(name) extern __shared__ __align__(128) u8 name[]

__device__ __forceinline__ u32 shared_address(const void *at) { return static_cast<u32>(__cvta_generic_to_shared(at)); }

// 2^x, to about 2 units in the last place.
__device__ __forceinline__ float fast_exp2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// 1 / x, to about 1 unit in the last place; 0 where x is infinite.
__device__ __forceinline__ float fast_reciprocal(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// d[16x8] += a[16x16] · b[16x8]: bf16 in, f32 out; fragments as PTX's mma.m16n8k16 lays them over a warp.
__device__ __forceinline__ void mma_bf16(float *d, const u32 *a, const u32 *b) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// Four 8x8 matrices of 16-bit values from shared memory; lane l gives the address of row l % 8 of matrix l / 8.
__device__ __forceinline__ void ldmatrix_x4(u32 *r, const void *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row)));
}

// The same, each matrix transposed.
__device__ __forceinline__ void ldmatrix_x4_transposed(u32 *r, const void *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row)));
}

// 16 bytes from global to shared memory, asynchronously; zeros where not `valid`.
__device__ __forceinline__ void copy_async16(void *to, const void *from, bool valid) {
  int bytes = valid ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from), "r"(bytes));
}

__device__ __forceinline__ void copy_async_commit() { asm volatile("cp.async.commit_group;"); }

// Waits until at most `pending` of this thread's committed groups are under way.
template <int pending>
__device__ __forceinline__ void copy_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

#endif
