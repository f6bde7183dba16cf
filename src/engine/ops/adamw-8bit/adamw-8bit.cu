// A warp a block of 256 values, eight a lane: scales are agreed on by the warp, and nothing is read twice.
#include "moment-codes.cuh"
#include "random.cuh"

constexpr int THREADS = 512, WARPS = THREADS / WARP;
constexpr int BLOCK = 256;

__device__ __forceinline__ bool is_finite(float x) { return fabsf(x) <= 3.402823466e38f; }

// ---- quotients and roots, rounded as / and sqrtf round, for operands well within the range of floats ---------------

struct Divisor {
  float value, reciprocal;

  __device__ __forceinline__ explicit Divisor(float divisor) : value(divisor) {
    float guess = fast_reciprocal(divisor);
    reciprocal = fmaf(guess, fmaf(-divisor, guess, 1.f), guess);
  }

  // x / value
  __device__ __forceinline__ float under(float x) const {
    float guess = x * reciprocal;
    return fmaf(fmaf(-value, guess, x), reciprocal, guess);
  }
};

__device__ __forceinline__ float root(float x) {
  float inverse = rsqrtf(x), guess = x * inverse;
  return fmaf(fmaf(-guess, guess, x), inverse * 0.5f, guess);
}

// ---- eight values of a lane, of which the first `count` exist; WHOLE: all, at an aligned address -------------------

template <bool WHOLE, typename T>
__device__ __forceinline__ void load(const T *from, float *x, i64 count) {
  if constexpr (WHOLE) load8(from, x);
  else load8(from, x, count);
}

template <bool WHOLE, typename T>
__device__ __forceinline__ void store(T *at, const float *x, i64 count) {
  if constexpr (WHOLE) store8(at, x);
  else store8(at, x, count);
}

template <bool WHOLE>
__device__ __forceinline__ uint2 load_codes(const u8 *from, u32 absent, i64 count) {
  if constexpr (WHOLE) {
    return *reinterpret_cast<const uint2 *>(from);
  } else {
    u32 words[2] = {0, 0};
#pragma unroll
    for (int i = 0; i < 8; i++) words[i / 4] |= (i < count ? from[i] : absent) << (8 * (i % 4));
    return make_uint2(words[0], words[1]);
  }
}

template <bool WHOLE>
__device__ __forceinline__ void store_codes(u8 *at, const u32 *words, i64 count) {
  if constexpr (WHOLE) {
    *reinterpret_cast<uint2 *>(at) = make_uint2(upper_bytes(words), upper_bytes(words + 4));
  } else {
#pragma unroll
    for (int i = 0; i < 8; i++) {
      if (i < count) at[i] = static_cast<u8>(words[i] >> 24);
    }
  }
}

// ---- the update ----------------------------------------------------------------------------------------------------

constexpr float TWO_32 = 4294967296.f;
// Added to v · 2^64, keeps zero away from the reciprocal root: less than half a bit of any other v, and its root less
// than half a bit of eps.
constexpr float TWO_MINUS_120 = 7.52316384526264e-37f;
// Bounds of a block's largest moments, and of eps, within which nothing overflows or loses bits.
constexpr float LEAST = 1.3234889800848443e-23f, MOST = 1048576.f, LEAST_EPS = 1e-16f;

struct Maps {
  Values values1, values2;
  SignedCodes codes1;
  UnsignedCodes codes2;
};

struct Update {
  const Maps &maps;
  P *parameter;
  const P *gradient;
  u8 *state1, *state2;
  float *absmax1, *absmax2;
  bf16 *rounded;
  i64 length;
  float rate, beta1, fresh1, beta2, fresh2, eps, decay, gradient_scale;
  u32 seed;

  template <bool WHOLE>
  __device__ __forceinline__ void of(i64 block) const {
    int lane = threadIdx.x % WARP;
    i64 at = block * BLOCK + lane * 8, count = length - at;
    float p[8], g[8], m[8], v[8];
    uint2 old1 = load_codes<WHOLE>(state1 + at, SIGNED_ZERO, count), old2 = load_codes<WHOLE>(state2 + at, 0, count);
    float scale1 = absmax1[block] * beta1, scale2 = absmax2[block] * beta2, largest1 = 0;
    load<WHOLE>(gradient + at, g, count);
    load<WHOLE>(parameter + at, p, count);
    u32 bits2 = 0;
#pragma unroll
    for (int i = 0; i < 8; i++) {
      g[i] *= gradient_scale;
      // + 0: no moment is -0, which would be coded as below zero.
      m[i] = fmaf(maps.values1.of(i < 4 ? old1.x : old1.y, i % 4), scale1, fmaf(fresh1, g[i], 0.f));
      v[i] = fmaf(maps.values2.of(i < 4 ? old2.x : old2.y, i % 4), scale2, fresh2 * (g[i] * g[i]));
      largest1 = fmaxf(largest1, fabsf(m[i]));
      // As bits: what is not finite is above all else.
      bits2 = max(bits2, __float_as_uint(v[i]));
    }
    largest1 = __uint_as_float(__reduce_max_sync(ALL_LANES, __float_as_uint(largest1)));
    float largest2 = __uint_as_float(__reduce_max_sync(ALL_LANES, bits2));
    // A block of zeros: any divisor keeps them zeros.
    float divisor1 = largest1 > 0 ? largest1 : 1.f, divisor2 = largest2 > 0 ? largest2 : 1.f;
    if (divisor1 >= LEAST && divisor1 <= MOST && divisor2 >= LEAST && largest2 <= MOST && is_finite(scale1) &&
        eps >= LEAST_EPS) {
#pragma unroll
      for (int i = 0; i < 8; i++) {
        // Both 2^32 times what they stand for, the numerator 2^64 times: no small moment loses bits on the way.
        float deviation = root(fmaf(v[i], TWO_32 * TWO_32, TWO_MINUS_120)) + eps * TWO_32;
        float step = Divisor(deviation).under(rate * (TWO_32 * TWO_32) * m[i]);
        p[i] = fmaf(step, -1.f / TWO_32, p[i]) * decay;
      }
    } else {
      largest1 = largest2 = 0;
#pragma unroll
      for (int i = 0; i < 8; i++) {
        float moved = (p[i] - rate * m[i] / (sqrtf(v[i]) + eps)) * decay;
        if (is_finite(g[i])) p[i] = moved;
        if (!is_finite(g[i])) m[i] = v[i] = 0;
        largest1 = fmaxf(largest1, fabsf(m[i]));
        largest2 = fmaxf(largest2, v[i]);
      }
      largest1 = warp_max(largest1), largest2 = warp_max(largest2);
      divisor1 = largest1 > 0 ? largest1 : 1.f, divisor2 = largest2 > 0 ? largest2 : 1.f;
#pragma unroll
      for (int i = 0; i < 8; i++) {
        // NaN gets code 0.
        m[i] = fmaxf(m[i] / divisor1 + 0.f, -1.f);
        v[i] = fmaxf(v[i] / divisor2, 0.f);
      }
      divisor1 = divisor2 = 1;
    }
    round_parameters(parameter, p, seed, static_cast<u32>(at));
    store<WHOLE>(parameter + at, p, count);
    if (sizeof(P) == sizeof(float) && rounded != nullptr) store8(rounded + at, p, count);
    // All lanes have read the scales before one overwrites them: the reductions above wait for them.
    if (lane == 0) absmax1[block] = largest1, absmax2[block] = largest2;
    Divisor scaled1(divisor1 * (1.f / CODING_SCALE)), scaled2(divisor2 * (1.f / CODING_SCALE));
    u32 words[8];
#pragma unroll
    for (int i = 0; i < 8; i++) words[i] = maps.codes1.of(scaled1.under(m[i]));
    store_codes<WHOLE>(state1 + at, words, count);
#pragma unroll
    for (int i = 0; i < 8; i++) words[i] = maps.codes2.of(scaled2.under(v[i]));
    store_codes<WHOLE>(state2 + at, words, count);
  }
};

// P: dtype of the parameter and its gradient. The states begin at a multiple of 8 bytes.
extern "C" __global__ void __launch_bounds__(THREADS, 2)
    adamw_8bit(P *parameter, const P *gradient, u8 *state1, u8 *state2, float *absmax1, float *absmax2,
               const float *map1, const float *map2, bf16 *rounded, i64 length, float rate, float beta1, float fresh1,
               float beta2, float fresh2, float eps, float decay, float gradient_scale, u32 seed) {
  __shared__ Maps maps;
  maps.values1.prepare(map1), maps.values2.prepare(map2);
  maps.codes1.prepare(map1), maps.codes2.prepare(map2);
  __syncthreads();
  Update update{maps,   parameter, gradient, state1, state2, absmax1, absmax2, rounded, length,
                rate,   beta1,     fresh1,   beta2,  fresh2, eps,     decay,   gradient_scale, seed};
  bool aligned = (reinterpret_cast<u64>(parameter) | reinterpret_cast<u64>(gradient)) % 16 == 0;
  i64 whole = aligned ? length / BLOCK : 0, blocks = (length + BLOCK - 1) / BLOCK;
  i64 block = static_cast<i64>(blockIdx.x) * WARPS + threadIdx.x / WARP, stride = static_cast<i64>(gridDim.x) * WARPS;
  for (; block < whole; block += stride) update.of<true>(block);
  for (; block < blocks; block += stride) update.of<false>(block);
}
