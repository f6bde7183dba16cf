#include "fettle.cuh"

// A thread turns up to eight pairs of one head of one token; `groups` threads make a head.
extern "C" __global__ void rope(X *y, const X *x, const float *cos, const float *sin, u32 threads, i32 heads,
                                i32 groups, i32 half, float sign) {
  u32 thread = blockIdx.x * blockDim.x + threadIdx.x;
  if (thread >= threads) return;
  i64 head = thread / groups, token = thread / (heads * groups), i = thread % groups * 8;
  i64 first = head * 2 * half + i, second = first + half, angle = token * half + i, count = half - i;
  float a[8], b[8], c[8], s[8];
  load8(x + first, a, count);
  load8(x + second, b, count);
  load8(cos + angle, c, count);
  load8(sin + angle, s, count);
#pragma unroll
  for (int e = 0; e < 8; e++) {
    float turned = a[e] * c[e] - b[e] * sign * s[e];
    b[e] = b[e] * c[e] + a[e] * sign * s[e];
    a[e] = turned;
  }
  store8(y + first, a, count);
  store8(y + second, b, count);
}
