// A warp a block of 256 values, eight a lane: scales are agreed on by shuffles, and nothing is read twice.
#include "random.cuh"

constexpr int THREADS = 256, WARPS = THREADS / WARP;
constexpr int BLOCK = 256, MAP_SIZE = 256;
// Where zero stands in the signed map.
constexpr int SIGNED_ZERO = 127;

struct Map {
  float value[MAP_SIZE];
  // Between value i and the next.
  float middle[MAP_SIZE - 1];
};

__device__ __forceinline__ void prepare(Map &map, const float *values) {
  for (int i = threadIdx.x; i < MAP_SIZE; i += THREADS) {
    map.value[i] = values[i];
    if (i + 1 < MAP_SIZE) map.middle[i] = (values[i] + values[i + 1]) / 2;
  }
}

// Whether x is coded above `code`; a value on the middle of two neighbours gets the even one.
__device__ __forceinline__ bool is_above(const Map &map, int code, float x) {
  return code % 2 ? x >= map.middle[code] : x > map.middle[code];
}

// The nearest code, searched from a guess that is nearly always right.
__device__ __forceinline__ int nearest(const Map &map, float x, int guess) {
  int code = guess;
  while (code + 1 < MAP_SIZE && is_above(map, code, x)) code++;
  while (code > 0 && !is_above(map, code - 1, x)) code--;
  return code;
}

// Which of the map's intervals y of 0 to 1 lies in, counted from the smallest: decade d from 10^(d-7) is cut into
// first · 2^d equal ones, 0 to 6 are the decades.
__device__ __forceinline__ int interval(float y, int first) {
  int steps = first << 6;
#pragma unroll
  for (int decade = 6; decade > 0; decade--) {
    if (y < 0.1f) {
      y *= 10.f;
      steps >>= 1;
    }
  }
  int within = static_cast<int>((y - 0.1f) * (1.f / 0.9f) * steps);
  return steps - first + max(0, min(within, steps - 1));
}

__device__ __forceinline__ int code_signed(const Map &map, float x) {
  int at = interval(fabsf(x), 1);
  int code = nearest(map, x, x < 0 ? SIGNED_ZERO - 1 - at : SIGNED_ZERO + 1 + at);
  // A moment must not come back with the other sign.
  if (x > 0 && code < SIGNED_ZERO) code++;
  if (x < 0 && code >= SIGNED_ZERO) code--;
  return code;
}

__device__ __forceinline__ int code_unsigned(const Map &map, float x) { return nearest(map, x, 1 + interval(x, 2)); }

// Eight codes; those that do not exist are `absent`.
__device__ __forceinline__ void load_codes(const u8 *from, int *code, i64 count, int absent) {
  if (count >= 8) {
    uint2 words = *reinterpret_cast<const uint2 *>(from);
#pragma unroll
    for (int i = 0; i < 8; i++) code[i] = ((i < 4 ? words.x : words.y) >> (8 * (i % 4))) & 255;
    return;
  }
#pragma unroll
  for (int i = 0; i < 8; i++) code[i] = i < count ? from[i] : absent;
}

__device__ __forceinline__ void store_codes(u8 *at, const int *code, i64 count) {
  if (count >= 8) {
    uint2 words = make_uint2(0, 0);
#pragma unroll
    for (int i = 0; i < 4; i++) {
      words.x |= static_cast<u32>(code[i]) << (8 * i);
      words.y |= static_cast<u32>(code[i + 4]) << (8 * i);
    }
    *reinterpret_cast<uint2 *>(at) = words;
    return;
  }
#pragma unroll
  for (int i = 0; i < 8; i++) {
    if (i < count) at[i] = static_cast<u8>(code[i]);
  }
}

// P: dtype of the parameter and its gradient. The states begin at a multiple of 8 bytes.
extern "C" __global__ void __launch_bounds__(THREADS)
    adamw_8bit(P *parameter, const P *gradient, u8 *state1, u8 *state2, float *absmax1, float *absmax2,
               const float *values1, const float *values2, bf16 *rounded, i64 length, float rate, float beta1,
               float fresh1, float beta2, float fresh2, float eps, float decay, float gradient_scale, u32 seed) {
  __shared__ Map map1, map2;
  prepare(map1, values1);
  prepare(map2, values2);
  __syncthreads();
  int lane = threadIdx.x % WARP;
  i64 blocks = (length + BLOCK - 1) / BLOCK, stride = static_cast<i64>(gridDim.x) * WARPS;
  for (i64 block = static_cast<i64>(blockIdx.x) * WARPS + threadIdx.x / WARP; block < blocks; block += stride) {
    i64 at = block * BLOCK + lane * 8, count = length - at;
    float p[8], g[8], m[8], v[8];
    int code1[8], code2[8];
    load8(parameter + at, p, count);
    load8(gradient + at, g, count);
    load_codes(state1 + at, code1, count, SIGNED_ZERO);
    load_codes(state2 + at, code2, count, 0);
    float scale1 = absmax1[block] * beta1, scale2 = absmax2[block] * beta2, largest1 = 0, largest2 = 0;
#pragma unroll
    for (int i = 0; i < 8; i++) {
      g[i] *= gradient_scale;
      bool finite = fabsf(g[i]) <= 3.402823466e38f;
      float first = map1.value[code1[i]] * scale1 + fresh1 * g[i];
      float second = map2.value[code2[i]] * scale2 + fresh2 * (g[i] * g[i]);
      float moved = (p[i] - rate * first / (sqrtf(second) + eps)) * decay;
      if (finite) p[i] = moved;
      m[i] = finite ? first : 0.f;
      v[i] = finite ? second : 0.f;
      largest1 = fmaxf(largest1, fabsf(m[i]));
      largest2 = fmaxf(largest2, v[i]);
    }
    store_parameters(parameter + at, p, count, seed, at);
    if (rounded != nullptr) store8(rounded + at, p, count);
    largest1 = warp_max(largest1), largest2 = warp_max(largest2);
    // All lanes have read the scales before one overwrites them: the shuffles above wait for them.
    if (lane == 0) absmax1[block] = largest1, absmax2[block] = largest2;
    // A block of zeros: any divisor keeps them zeros.
    float divisor1 = largest1 > 0 ? largest1 : 1.f, divisor2 = largest2 > 0 ? largest2 : 1.f;
#pragma unroll
    for (int i = 0; i < 8; i++) {
      code1[i] = code_signed(map1, m[i] / divisor1);
      code2[i] = code_unsigned(map2, v[i] / divisor2);
    }
    store_codes(state1 + at, code1, count);
    store_codes(state2 + at, code2, count);
  }
}
