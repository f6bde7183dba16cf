// Every operation is rounded to f32 by itself: codes and values are the same bit for bit on every device.
#include "fettle.cuh"

constexpr int THREADS = 256;
// 8-bit scales that share one of their own.
constexpr int MAP_BLOCK = 256;

__device__ __forceinline__ float code_value(int code) {
  constexpr float values[16] = {
      -1.0f,
      -0.6961928009986877f,
      -0.5250730514526367f,
      -0.39491748809814453f,
      -0.28444138169288635f,
      -0.18477343022823334f,
      -0.09105003625154495f,
      0.0f,
      0.07958029955625534f,
      0.16093020141124725f,
      0.24611230194568634f,
      0.33791524171829224f,
      0.44070982933044434f,
      0.5626170039176941f,
      0.7229568362236023f,
      1.0f,
  };
  return values[code];
}

#ifdef X
constexpr int WARPS = THREADS / WARP;
constexpr u32 ZERO_CODE = 7;

// How many middles of neighbouring codes x lies above; NaN lies above none.
__device__ __forceinline__ u32 code_of(float x) {
  u32 code = 0;
#pragma unroll
  for (int i = 0; i < 15; i++) code += x > (code_value(i) + code_value(i + 1)) / 2;
  return code;
}

// A warp a block of `size` values, which is even; two values a lane at a time.
extern "C" __global__ void __launch_bounds__(THREADS) nf4_quantize(u8 *packed, float *absmax, const X *x, i64 length, i32 size) {
  int lane = threadIdx.x % WARP;
  i64 block = static_cast<i64>(blockIdx.x) * WARPS + threadIdx.x / WARP, begin = block * size;
  if (begin >= length) return;
  i64 count = min(static_cast<i64>(size), length - begin);
  const X *from = x + begin;
  float largest = 0;
  for (int i = 2 * lane; i < count; i += 2 * WARP) {
    largest = fmaxf(largest, fabsf(to_f32(from[i])));
    if (i + 1 < count) largest = fmaxf(largest, fabsf(to_f32(from[i + 1])));
  }
  largest = warp_max(largest);
  float inverse = largest > 0 ? 1.f / largest : 0.f;
  if (lane == 0) absmax[block] = largest;
  for (int i = 2 * lane; i < count; i += 2 * WARP) {
    u32 high = code_of(to_f32(from[i]) * inverse);
    u32 low = i + 1 < count ? code_of(to_f32(from[i + 1]) * inverse) : ZERO_CODE;
    packed[(begin + i) / 2] = static_cast<u8>(high << 4 | low);
  }
}
#endif

#if defined(Y) || defined(YT)
struct Scales {
  // f32, or null where they are in 8 bits.
  const float *absmax;
  const u8 *codes;
  const float *nested, *map;
  float offset;

  __device__ __forceinline__ float at(i64 block) const {
    if (absmax != nullptr) return absmax[block];
    return __fadd_rn(__fmul_rn(map[codes[block]], nested[block / MAP_BLOCK]), offset);
  }
};

// Eight codes from element `at` on, which is a multiple of 8; those that do not exist are 0.
__device__ __forceinline__ u32 load_word(const u8 *packed, i64 at, i64 length) {
  const u8 *from = packed + at / 2;
  i64 bytes = (length - at + 1) / 2;
  if (bytes >= 4 && reinterpret_cast<u64>(from) % 4 == 0) return *reinterpret_cast<const u32 *>(from);
  u32 word = 0;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    if (i < bytes) word |= static_cast<u32>(from[i]) << (8 * i);
  }
  return word;
}

// ROUNDING: 0 none, 1 to bf16, 2 to IEEE 754 binary16.
__device__ __forceinline__ float rounded(float x) {
  if (ROUNDING == 1) return __uint_as_float(static_cast<u32>(bf16_bits(x)) << 16);
  if (ROUNDING == 0) return x;
  float size = fabsf(x);
  if (size >= 65520.f) return copysignf(__uint_as_float(0x7f800000u), x);
  // Below 2^-14 in steps of 2^-24.
  if (size < 6.103515625e-5f) return rintf(x * 16777216.f) * 5.9604644775390625e-8f;
  u32 bits = __float_as_uint(x);
  return __uint_as_float((bits + 0xfffu + (bits >> 13 & 1u)) & ~0x1fffu);
}

#endif

#ifdef Y
// Words of eight codes that a thread takes at once, each THREADS words from the next.
constexpr int WORDS = 4;

// SIZE: values that share a scale, an even number.
extern "C" __global__ void __launch_bounds__(THREADS)
    nf4_dequantize(Y *y, const u8 *packed, const float *absmax, const u8 *codes, const float *nested, const float *map,
                   float offset, i64 length) {
  // 16 words in 16 banks: lanes that look up different codes do not wait for each other.
  __shared__ float values[16];
  if (threadIdx.x < 16) values[threadIdx.x] = code_value(threadIdx.x);
  __syncthreads();
  Scales scales = {absmax, codes, nested, map, offset};
  i64 begin = (static_cast<i64>(blockIdx.x) * WORDS * THREADS + threadIdx.x) * 8;
  u32 word[WORDS];
  float scale[WORDS];
#pragma unroll
  for (int w = 0; w < WORDS; w++) {
    i64 at = begin + w * THREADS * 8;
    if (at >= length) break;
    word[w] = load_word(packed, at, length);
    if (SIZE % 8 == 0) scale[w] = scales.at(at / SIZE);
  }
#pragma unroll
  for (int w = 0; w < WORDS; w++) {
    i64 at = begin + w * THREADS * 8;
    if (at >= length) break;
    float value[8];
#pragma unroll
    for (int i = 0; i < 8; i++) {
      // The first of a byte's two values is in its upper half.
      int code = (word[w] >> (4 * (i ^ 1))) & 15;
      if (SIZE % 8 == 0) value[i] = rounded(__fmul_rn(values[code], scale[w]));
      else value[i] = at + i < length ? rounded(__fmul_rn(values[code], scales.at((at + i) / SIZE))) : 0.f;
    }
    store8(y + at, value, length - at);
  }
}
#endif

#ifdef YT
constexpr int EDGE = 64;

// Tiles of 64 x 64 values through shared memory; SIZE and ROUNDING as above.
extern "C" __global__ void __launch_bounds__(THREADS)
    nf4_dequantize_transposed(YT *y, i32 ldy, const u8 *packed, const float *absmax, const u8 *codes,
                              const float *nested, const float *map, float offset, i32 rows, i32 columns) {
  __shared__ float values[16];
  __shared__ YT tile[EDGE][EDGE + 2];
  if (threadIdx.x < 16) values[threadIdx.x] = code_value(threadIdx.x);
  __syncthreads();
  Scales scales = {absmax, codes, nested, map, offset};
  int left = blockIdx.x * EDGE, top = blockIdx.y * EDGE;
  for (int word = threadIdx.x; word < EDGE * EDGE / 8; word += THREADS) {
    int row = word / (EDGE / 8), column = word % (EDGE / 8) * 8;
    if (top + row >= rows || left + column >= columns) continue;
    i64 at = static_cast<i64>(top + row) * columns + left + column;
    int count = min(8, columns - left - column);
    bool whole = count == 8 && at % 8 == 0;
    u32 eight = whole ? load_word(packed, at, at + 8) : 0;
    float scale = SIZE % 8 == 0 && whole ? scales.at(at / SIZE) : 0.f;
#pragma unroll
    for (int i = 0; i < 8; i++) {
      if (i >= count) break;
      int code = whole ? eight >> (4 * (i ^ 1)) & 15 : packed[(at + i) / 2] >> ((at + i) % 2 ? 0 : 4) & 15;
      float by = SIZE % 8 == 0 && whole ? scale : scales.at((at + i) / SIZE);
      store(&tile[row][column + i], rounded(__fmul_rn(values[code], by)));
    }
  }
  __syncthreads();
  int along = threadIdx.x % EDGE;
  for (int j = threadIdx.x / EDGE; j < EDGE; j += THREADS / EDGE) {
    if (left + j < columns && top + along < rows)
      y[static_cast<i64>(left + j) * ldy + top + along] = tile[along][j];
  }
}
#endif

#ifdef ABSMAX
// A block of threads a block of scales, one each.
extern "C" __global__ void __launch_bounds__(MAP_BLOCK)
    nf4_quantize_absmax(u8 *codes, float *nested, const float *map, const float *absmax, float offset, i64 blocks) {
  __shared__ float parts[WARP];
  i64 at = static_cast<i64>(blockIdx.x) * MAP_BLOCK + threadIdx.x;
  float centred = at < blocks ? __fsub_rn(absmax[at], offset) : 0.f;
  float largest = block_max(fabsf(centred), parts);
  if (threadIdx.x == 0) nested[blockIdx.x] = largest;
  if (at >= blocks) return;
  float x = centred * (largest > 0 ? 1.f / largest : 0.f);
  // The nearest entry of the map, of two equally near the even one: see dynamic-map.ts.
  int code = 0;
  for (int half = 128; half >= 1; half /= 2) {
    int below = code + half - 1;
    float middle = (map[below] + map[below + 1]) / 2;
    if (below % 2 ? x >= middle : x > middle) code += half;
  }
  codes[at] = static_cast<u8>(code);
}
#endif
