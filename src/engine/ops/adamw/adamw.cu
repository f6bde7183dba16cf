#include "random.cuh"

// P: dtype of the parameter and its gradient.
extern "C" __global__ void __launch_bounds__(256)
    adamw(P *parameter, const P *gradient, float *first, float *second, bf16 *rounded, i64 length, float rate,
          float decay, float fresh1, float beta2, float fresh2, float eps, float uncorrect2, float gradient_scale,
          u32 seed) {
  i64 at = eight_each(), count = length - at;
  float p[8], g[8], m[8], v[8];
  load8(parameter + at, p, count);
  load8(gradient + at, g, count);
  load8(first + at, m, count);
  load8(second + at, v, count);
#pragma unroll
  for (int i = 0; i < 8; i++) {
    g[i] *= gradient_scale;
    m[i] += fresh1 * (g[i] - m[i]);
    v[i] = beta2 * v[i] + fresh2 * (g[i] * g[i]);
    p[i] = decay * p[i] - rate * m[i] / (sqrtf(v[i]) * uncorrect2 + eps);
  }
  round_parameters(parameter, p, seed, static_cast<u32>(at));
  store8(parameter + at, p, count);
  store8(first + at, m, count);
  store8(second + at, v, count);
  if (rounded != nullptr) store8(rounded + at, p, count);
}
