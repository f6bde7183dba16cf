/**
 * Vectors of floats as wide as the machine has them, through the vector extensions of GCC and Clang, so that one source
 * serves AVX-512, AVX2, NEON and anything else; and bf16.
 */
#ifndef FETTLE_VECTOR_H
#define FETTLE_VECTOR_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif

/** LANES floats; arithmetic with + - * / works on it, also with a scalar on one side. */
typedef float vfloat __attribute__((vector_size(LANES * 4)));
/** LANES integers, also what comparing two vfloats gives: all bits set where true. */
typedef int32_t vint __attribute__((vector_size(LANES * 4)));
typedef uint32_t vuint __attribute__((vector_size(LANES * 4)));
typedef uint16_t vhalf __attribute__((vector_size(LANES * 2)));

/** The upper half of a float. */
typedef uint16_t bf16;

static inline vfloat vset(float value) {
  return value - (vfloat){0}; /* one broadcast, where a sum would have to keep -0 */
}

static inline vfloat vload(const float *from) {
  vfloat value;
  memcpy(&value, from, sizeof value);
  return value;
}

static inline void vstore(float *to, vfloat value) {
  memcpy(to, &value, sizeof value);
}

/** The first `count` (0 to LANES) elements; the other lanes are 0. */
static inline vfloat vload_part(const float *from, int64_t count) {
#if defined(__AVX512F__)
  return (vfloat)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), from);
#else
  float lanes[LANES] = {0};
  for (int64_t i = 0; i < count; i++) lanes[i] = from[i];
  return vload(lanes);
#endif
}

static inline void vstore_part(float *to, vfloat value, int64_t count) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1), (__m512)value);
#else
  for (int64_t i = 0; i < count; i++) to[i] = value[i];
#endif
}

/** The same for a `count` that may be more than LANES. */
static inline vfloat vload_upto(const float *from, int64_t count) {
  return count >= LANES ? vload(from) : vload_part(from, count);
}

static inline void vstore_upto(float *to, vfloat value, int64_t count) {
  if (count >= LANES) vstore(to, value);
  else vstore_part(to, value, count);
}

/** Lane by lane: mask ? yes : no. */
static inline vfloat vselect(vint mask, vfloat yes, vfloat no) {
  return (vfloat)((mask & (vint)yes) | (~mask & (vint)no));
}

static inline vfloat vmax(vfloat a, vfloat b) {
#if defined(__AVX512F__)
  return (vfloat)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX__)
  return (vfloat)_mm256_max_ps((__m256)a, (__m256)b);
#else
  return vselect(a > b, a, b);
#endif
}

static inline vfloat vmin(vfloat a, vfloat b) {
#if defined(__AVX512F__)
  return (vfloat)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX__)
  return (vfloat)_mm256_min_ps((__m256)a, (__m256)b);
#else
  return vselect(a < b, a, b);
#endif
}

static inline vfloat vabs(vfloat a) {
  return (vfloat)((vint)a & 0x7fffffff);
}

static inline vfloat vsqrt(vfloat a) {
#if defined(__AVX512F__)
  return (vfloat)_mm512_sqrt_ps((__m512)a);
#else
  vfloat root;
  for (int i = 0; i < LANES; i++) root[i] = sqrtf(a[i]);
  return root;
#endif
}

/** Sum of the lanes, pairwise: always in the same order. */
static inline float vsum(vfloat a) {
#if defined(__AVX512F__)
  return _mm512_reduce_add_ps((__m512)a);
#else
  float lanes[LANES];
  vstore(lanes, a);
  for (int width = LANES / 2; width > 0; width /= 2)
    for (int i = 0; i < width; i++) lanes[i] += lanes[i + width];
  return lanes[0];
#endif
}

static inline float vmaximum(vfloat a) {
#if defined(__AVX512F__)
  return _mm512_reduce_max_ps((__m512)a);
#else
  float lanes[LANES];
  vstore(lanes, a);
  for (int width = LANES / 2; width > 0; width /= 2)
    for (int i = 0; i < width; i++) lanes[i] = lanes[i] > lanes[i + width] ? lanes[i] : lanes[i + width];
  return lanes[0];
#endif
}

/**
 * e^x, relative error below 1.2e-7; 0 below -87.3 (-infinity included), infinity above 88.72, NaN stays NaN.
 * x = n ln 2 + r, |r| <= ln 2 / 2; e^r by the polynomial of Cephes' expf.
 */
static inline vfloat vexp(vfloat x) {
#if defined(__AVX512F__)
  /* min returns its second operand where one is NaN. */
  const vfloat clamped = (vfloat)_mm512_min_ps(_mm512_set1_ps(89.0f), (__m512)x);
  const vfloat n = (vfloat)_mm512_roundscale_ps((__m512)(clamped * 1.44269504f), _MM_FROUND_TO_NEAREST_INT);
#else
  const float rounder = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
  const vfloat clamped = vmax(vmin(x, vset(89.0f)), vset(-88.0f));
  const vfloat n = (clamped * 1.44269504f + rounder) - rounder;
#endif
  const vfloat r = (clamped - n * 0.693145752f) - n * 1.42860677e-6f;
  vfloat p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = (p * (r * r) + r) + 1.0f;
#if defined(__AVX512F__)
  const __mmask16 not_below = _mm512_cmp_ps_mask((__m512)x, _mm512_set1_ps(-87.3f), _CMP_NLT_UQ);
  return (vfloat)_mm512_maskz_scalef_ps(not_below, (__m512)p, (__m512)n);
#else
  /* 2^n in two factors: n reaches 128, one more than an exponent holds. */
  const vint whole = __builtin_convertvector(n, vint);
  const vint half = whole >> 1;
  const vfloat result = vselect(x < -87.3f, vset(0.0f), p * (vfloat)((half + 127) << 23) * (vfloat)((whole - half + 127) << 23));
  return vselect(x != x, x, result);
#endif
}

/** 1 / (1 + e^-x), relative error below 2.5e-7 where it does not underflow. */
static inline vfloat vsigmoid(vfloat x) {
  return 1.0f / (1.0f + vexp(-x));
}

/** tanh x, relative error below 2e-7; coefficients of the short range from Cephes' tanhf. */
static inline vfloat vtanh(vfloat x) {
  vfloat z = x * x;
  vfloat p = z * -5.70498872745e-3f + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  vfloat near = p * z * x + x;
  vfloat size = vabs(x);
  vfloat far = 1.0f - 2.0f / (vexp(2.0f * size) + 1.0f);
  far = (vfloat)((vint)far | ((vint)x & (int32_t)0x80000000));
  return vselect(size < 0.625f, near, far);
}

/** erf x, relative error below 2e-7; two minimax polynomials, the far one inside an exponential. */
static inline vfloat verf(vfloat x) {
  vfloat t = vabs(x);
  vfloat s = x * x;
  vfloat far = (t * -1.72853470e-5f + 3.83197126e-4f) * s + (t * -3.88396438e-3f + 2.42546219e-2f);
  far = far * t - 1.06777877e-1f;
  far = far * t - 6.34846687e-1f;
  far = far * t - 1.28717512e-1f;
  far = 1.0f - vexp(far * t - t);
  far = (vfloat)((vint)far | ((vint)x & (int32_t)0x80000000));
  vfloat near = s * -5.96761703e-4f + 4.99119423e-3f;
  near = near * s - 2.67681349e-2f;
  near = near * s + 1.12819925e-1f;
  near = near * s - 3.76125336e-1f;
  near = near * s + 1.28379166e-1f;
  near = near * x + x;
  return vselect(t > 0.927734375f, far, near);
}

static inline float bf16_to_float(bf16 half) {
  uint32_t bits = (uint32_t)half << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/** Rounds to nearest, ties to even; NaN stays NaN. */
static inline bf16 bf16_from_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7fffffff) > 0x7f800000) return (bf16)((bits >> 16) | 0x40);
  return (bf16)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/** LANES bf16 values as floats. */
static inline vfloat vload_bf16(const bf16 *from) {
  vhalf halves;
  memcpy(&halves, from, sizeof halves);
  return (vfloat)(__builtin_convertvector(halves, vuint) << 16);
}

static inline vfloat vload_bf16_part(const bf16 *from, int64_t count) {
  bf16 lanes[LANES] = {0};
  for (int64_t i = 0; i < count; i++) lanes[i] = from[i];
  return vload_bf16(lanes);
}

/** Each lane rounded to what a bf16 can hold, as bits of a float. */
static inline vfloat vround_bf16(vfloat value) {
  vuint bits = (vuint)value;
  vuint rounded = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000u;
  vuint not_a_number = (vuint)(value != value);
  return (vfloat)((not_a_number & (bits | 0x400000u)) | (~not_a_number & rounded));
}

/** LANES floats rounded to bf16. */
static inline void vstore_bf16(bf16 *to, vfloat value) {
  vhalf halves = __builtin_convertvector((vuint)vround_bf16(value) >> 16, vhalf);
  memcpy(to, &halves, sizeof halves);
}

#endif
