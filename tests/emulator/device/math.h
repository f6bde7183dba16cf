// CUDA's device functions on numbers. The approximate ones (__expf, ...) are exact here.
#pragma once
#include "language.h"

// ---- bits ----------------------------------------------------------------------------------------------------------

template <class To, class From> inline To fettle_bits(From from) {
  static_assert(sizeof(To) == sizeof(From), "equal sizes");
  To to;
  __builtin_memcpy(&to, &from, sizeof(to));
  return to;
}
inline unsigned __float_as_uint(float x) { return fettle_bits<unsigned>(x); }
inline int __float_as_int(float x) { return fettle_bits<int>(x); }
inline float __uint_as_float(unsigned x) { return fettle_bits<float>(x); }
inline float __int_as_float(int x) { return fettle_bits<float>(x); }
inline long long __double_as_longlong(double x) { return fettle_bits<long long>(x); }
inline double __longlong_as_double(long long x) { return fettle_bits<double>(x); }

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }
inline int __clzll(long long x) { return x == 0 ? 64 : __builtin_clzll(static_cast<unsigned long long>(x)); }
inline unsigned __brev(unsigned x) {
  unsigned reversed = 0;
  for (int bit = 0; bit < 32; bit++) reversed |= ((x >> bit) & 1u) << (31 - bit);
  return reversed;
}
inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<unsigned>((1ull * a * b) >> 32); }
inline int __mulhi(int a, int b) { return static_cast<int>((1ll * a * b) >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return static_cast<unsigned long long>((static_cast<unsigned __int128>(a) * b) >> 64);
}
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>((((static_cast<unsigned long long>(high) << 32) | low) << (shift & 31)) >> 32);
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>(((static_cast<unsigned long long>(high) << 32) | low) >> (shift & 31));
}
// Byte i of the result is byte `selector >> 4i & 7` of b:a.
inline unsigned __byte_perm(unsigned a, unsigned b, unsigned selector) {
  unsigned long long bytes = (static_cast<unsigned long long>(b) << 32) | a;
  unsigned result = 0;
  for (int i = 0; i < 4; i++)
    result |= static_cast<unsigned>((bytes >> (((selector >> (4 * i)) & 7) * 8)) & 255) << (8 * i);
  return result;
}

// ---- real functions: f as in C, and overloads for float ------------------------------------------------------------

#define FETTLE_UNARY(name)                                                                                             \
  extern "C" double name(double) noexcept;                                                                             \
  extern "C" float name##f(float) noexcept;                                                                            \
  inline float name(float x) { return name##f(x); }
FETTLE_UNARY(sqrt)
FETTLE_UNARY(cbrt)
FETTLE_UNARY(exp)
FETTLE_UNARY(exp2)
FETTLE_UNARY(expm1)
FETTLE_UNARY(log)
FETTLE_UNARY(log2)
FETTLE_UNARY(log10)
FETTLE_UNARY(log1p)
FETTLE_UNARY(sin)
FETTLE_UNARY(cos)
FETTLE_UNARY(tan)
FETTLE_UNARY(tanh)
FETTLE_UNARY(erf)
FETTLE_UNARY(erfc)
FETTLE_UNARY(fabs)
FETTLE_UNARY(floor)
FETTLE_UNARY(ceil)
FETTLE_UNARY(trunc)
FETTLE_UNARY(round)
FETTLE_UNARY(rint)
#undef FETTLE_UNARY

#define FETTLE_BINARY(name)                                                                                            \
  extern "C" double name(double, double) noexcept;                                                                     \
  extern "C" float name##f(float, float) noexcept;                                                                     \
  inline float name(float x, float y) { return name##f(x, y); }
FETTLE_BINARY(pow)
FETTLE_BINARY(fmod)
FETTLE_BINARY(fmin)
FETTLE_BINARY(fmax)
FETTLE_BINARY(copysign)
#undef FETTLE_BINARY

extern "C" float fmaf(float, float, float) noexcept;
extern "C" double fma(double, double, double) noexcept;
extern "C" float ldexpf(float, int) noexcept;
extern "C" void sincosf(float, float *, float *) noexcept;
extern "C" int abs(int) noexcept;
extern "C" long long llabs(long long) noexcept;
inline float abs(float x) { return fabsf(x); }

inline bool isnan(float x) { return __builtin_isnan(x); }
inline bool isinf(float x) { return __builtin_isinf(x); }
inline bool isfinite(float x) { return __builtin_isfinite(x); }
inline float rsqrtf(float x) { return static_cast<float>(1.0 / sqrt(static_cast<double>(x))); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }
inline float exp10f(float x) { return powf(10.f, x); }
inline float normcdff(float x) { return 0.5f * erfcf(-x * 0.70710678f); }

inline float __expf(float x) { return expf(x); }
inline float __exp10f(float x) { return exp10f(x); }
inline float __logf(float x) { return logf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline void __sincosf(float x, float *s, float *c) { sincosf(x, s, c); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __saturatef(float x) { return x > 0.f ? (x < 1.f ? x : 1.f) : 0.f; }
inline float __frcp_rn(float x) { return 1.f / x; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline float __frsqrt_rn(float x) { return rsqrtf(x); }
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fsub_rn(float x, float y) { return x - y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }

// Out of range saturates, NaN gives 0, as on the GPU.
inline int fettle_to_int(double x) {
  return x != x ? 0 : x >= 2147483647.0 ? 2147483647 : x <= -2147483648.0 ? -2147483647 - 1 : static_cast<int>(x);
}
inline unsigned fettle_to_uint(double x) {
  return x != x || x <= 0 ? 0u : x >= 4294967295.0 ? 4294967295u : static_cast<unsigned>(x);
}
inline int __float2int_rn(float x) { return fettle_to_int(rint(static_cast<double>(x))); }
inline int __float2int_rz(float x) { return fettle_to_int(x); }
inline int __float2int_rd(float x) { return fettle_to_int(floor(static_cast<double>(x))); }
inline int __float2int_ru(float x) { return fettle_to_int(ceil(static_cast<double>(x))); }
inline unsigned __float2uint_rn(float x) { return fettle_to_uint(rint(static_cast<double>(x))); }
inline unsigned __float2uint_rz(float x) { return fettle_to_uint(x); }
inline float __int2float_rn(int x) { return static_cast<float>(x); }
inline float __uint2float_rn(unsigned x) { return static_cast<float>(x); }
inline float __double2float_rn(double x) { return static_cast<float>(x); }

// ---- the lesser and the greater: of mixed types, as CUDA has them --------------------------------------------------

#define FETTLE_MIN_MAX(type)                                                                                           \
  inline type min(type a, type b) { return b < a ? b : a; }                                                            \
  inline type max(type a, type b) { return a < b ? b : a; }
FETTLE_MIN_MAX(int)
FETTLE_MIN_MAX(unsigned)
FETTLE_MIN_MAX(long)
FETTLE_MIN_MAX(unsigned long)
FETTLE_MIN_MAX(long long)
FETTLE_MIN_MAX(unsigned long long)
#undef FETTLE_MIN_MAX
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline double max(double a, double b) { return fmax(a, b); }
inline unsigned min(unsigned a, int b) { return min(a, static_cast<unsigned>(b)); }
inline unsigned min(int a, unsigned b) { return min(static_cast<unsigned>(a), b); }
inline unsigned max(unsigned a, int b) { return max(a, static_cast<unsigned>(b)); }
inline unsigned max(int a, unsigned b) { return max(static_cast<unsigned>(a), b); }
inline double min(float a, double b) { return fmin(a, b); }
inline double min(double a, float b) { return fmin(a, b); }
inline double max(float a, double b) { return fmax(a, b); }
inline double max(double a, float b) { return fmax(a, b); }
