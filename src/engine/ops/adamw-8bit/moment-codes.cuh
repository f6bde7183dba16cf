// The nearest code of the dynamic maps by one lookup, and what codes stand for.
#pragma once
#include "fettle.cuh"

constexpr int MAP_SIZE = 256;
// Where zero stands in the signed map.
constexpr int SIGNED_ZERO = 127;

// x of -1 to 1 is coded as x · 2^-103: 1 then has exponent 24, the least middle of neighbours exponent 1, and what is
// smaller still is a subnormal. So few exponents remain that the upper bits of x are an index.
constexpr float CODING_SCALE = 9.860761315262648e-32f;
constexpr i32 LARGEST_ORDERED = 24 << 23;

// An integer for each x, in the order of the values; -0 is -1.
__device__ __forceinline__ i32 ordered(float x) {
  i32 bits = static_cast<i32>(__float_as_uint(x));
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

// What a code stands for, eight times: lanes that differ in lane % 8 never wait for each other's bank.
struct Values {
  static constexpr int COPIES = 8;
  float copies[MAP_SIZE * COPIES];

  __device__ __forceinline__ void prepare(const float *map) {
    for (int i = threadIdx.x; i < MAP_SIZE * COPIES; i += blockDim.x) copies[i] = map[i / COPIES];
  }

  // Of the code in byte i of four.
  __device__ __forceinline__ float of(u32 codes, int i) const {
    constexpr int BITS = 5, MASK = (MAP_SIZE - 1) << BITS;
    u32 offset = i == 0 ? codes << BITS : codes >> (8 * i - BITS);
    offset = (offset & MASK) | (threadIdx.x % COPIES * sizeof(float));
    return *reinterpret_cast<const float *>(reinterpret_cast<const u8 *>(copies) + offset);
  }
};

// Floats that agree in all but the lower SHIFT bits are a bucket: none has more than one threshold between two codes. A
// bucket's word plus the lower bits of x carries into the code where x lies above the threshold.
template <bool SIGNED, int SHIFT>
struct Codes {
  static constexpr int ABOVE = (LARGEST_ORDERED >> SHIFT) + 1;
  static constexpr int BELOW = SIGNED ? ABOVE : 0;
  u32 words[BELOW + ABOVE];
  // ordered(x) is above thresholds[c] where the code of x is above c.
  i32 thresholds[MAP_SIZE - 1];

  // All threads of a block.
  __device__ __forceinline__ void prepare(const float *map) {
    for (int code = threadIdx.x; code < MAP_SIZE - 1; code += blockDim.x) {
      float middle = (map[code] + map[code + 1]) / 2;
      // A value on the middle of two neighbours gets the even one.
      thresholds[code] = ordered(middle * CODING_SCALE) - code % 2;
      // A moment must not come back with the other sign.
      if (SIGNED && code == SIGNED_ZERO - 1) thresholds[code] = -1;
    }
    __syncthreads();
    for (int bucket = static_cast<int>(threadIdx.x) - BELOW; bucket < ABOVE; bucket += blockDim.x) {
      i32 least = bucket * (1 << SHIFT);
      int code = 0;
      for (int half = MAP_SIZE / 2; half >= 1; half /= 2) code += thresholds[code + half - 1] < least ? half : 0;
      u32 word = static_cast<u32>(code - bucket) << 24;
      if (code < MAP_SIZE - 1 && thresholds[code] >> SHIFT == bucket) {
        word += static_cast<u32>(~thresholds[code] & ((1 << SHIFT) - 1)) << (24 - SHIFT);
      }
      words[BELOW + bucket] = word;
    }
  }

  // The code of x in the upper byte. x of -1 to 1 or 0 to 1 comes multiplied by CODING_SCALE.
  __device__ __forceinline__ u32 of(float scaled) const {
    i32 x = SIGNED ? ordered(scaled) : static_cast<i32>(__float_as_uint(scaled));
    return words[BELOW + (x >> SHIFT)] + (static_cast<u32>(x) << (24 - SHIFT));
  }
};

using SignedCodes = Codes<true, 17>;
using UnsignedCodes = Codes<false, 16>;

// The upper bytes of four words as one word.
__device__ __forceinline__ u32 upper_bytes(const u32 *words) {
  u32 low = __byte_perm(words[0], words[1], 0x0073), high = __byte_perm(words[2], words[3], 0x0073);
  return __byte_perm(low, high, 0x5410);
}
