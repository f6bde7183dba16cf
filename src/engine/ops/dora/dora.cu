#include "fettle.cuh"

constexpr int THREADS = 256;
// Rows of the weight that a block has, for fewer reads of a.
constexpr int ROWS = 4;

__device__ __forceinline__ float ratio(float value, float norm) { return norm > 0 ? value / norm : 0.f; }

extern "C" __global__ void __launch_bounds__(THREADS)
    dora_norms(float *norms, const W *weight, i64 ldw, const float *a, const float *b, float scale, i32 outputs,
               i32 inputs, i32 rank) {
  __shared__ float parts[WARP];
  i32 first = blockIdx.x * ROWS, count = outputs - first < ROWS ? outputs - first : ROWS;
  float squares[ROWS] = {};
  for (i32 i = threadIdx.x; i < inputs; i += THREADS) {
    float product[ROWS] = {};
    for (i32 r = 0; r < rank; r++) {
      float factor = a[static_cast<i64>(r) * inputs + i];
#pragma unroll
      for (int row = 0; row < ROWS; row++) {
        if (row < count) product[row] += b[static_cast<i64>(first + row) * rank + r] * factor;
      }
    }
#pragma unroll
    for (int row = 0; row < ROWS; row++) {
      if (row >= count) continue;
      float value = to_f32(weight[(first + row) * ldw + i]) + scale * product[row];
      squares[row] += value * value;
    }
  }
#pragma unroll
  for (int row = 0; row < ROWS; row++) {
    float sum = block_sum(squares[row], parts);
    if (threadIdx.x == 0 && row < count) norms[first + row] = sqrtf(sum);
  }
}

extern "C" __global__ void __launch_bounds__(THREADS)
    dora_forward(X *y, const X *z, const float *magnitude, const float *norms, const float *bias, const X *start,
                 i64 length, i32 width) {
  i64 at = eight_each(), count = length - at;
  float value[8], more[8] = {};
  load8(z + at, value, count);
  if (start != nullptr) load8(start + at, more, count);
#pragma unroll
  for (int i = 0; i < 8; i++) {
    if (i >= count) break;
    i32 column = static_cast<i32>((at + i) % width);
    value[i] = ratio(magnitude[column], norms[column]) * value[i] + (bias == nullptr ? 0.f : bias[column]) + more[i];
  }
  store8(y + at, value, count);
}

// A block has a warp's width of columns and every gridDim.y-th group of rows; partials [gridDim.y, 2 * width]: of each the
// sums of dy * z / norms and of dy.
extern "C" __global__ void __launch_bounds__(THREADS)
    dora_backward(X *dz, float *partials, const X *dy, const X *z, const float *magnitude, const float *norms, i32 rows,
                  i32 width) {
  constexpr int GROUPS = THREADS / WARP;
  __shared__ float products[GROUPS][WARP], sums[GROUPS][WARP];
  int lane = threadIdx.x % WARP, group = threadIdx.x / WARP;
  i32 column = blockIdx.x * WARP + lane;
  bool inside = column < width;
  float norm = inside ? norms[column] : 0.f, factor = inside ? ratio(magnitude[column], norm) : 0.f;
  float product = 0, sum = 0;
  for (i32 row = blockIdx.y * GROUPS + group; inside && row < rows; row += gridDim.y * GROUPS) {
    i64 at = static_cast<i64>(row) * width + column;
    float gradient = to_f32(dy[at]);
    store(dz + at, factor * gradient);
    product += gradient * to_f32(z[at]);
    sum += gradient;
  }
  products[group][lane] = product;
  sums[group][lane] = sum;
  __syncthreads();
  if (group > 0 || !inside) return;
  for (int other = 1; other < GROUPS; other++) product += products[other][lane], sum += sums[other][lane];
  float *partial = partials + static_cast<i64>(blockIdx.y) * 2 * width;
  partial[column] = ratio(product, norm);
  partial[width + column] = sum;
}

// gradient += the sum of every block's partials
extern "C" __global__ void __launch_bounds__(THREADS)
    dora_sum(float *gradient, const float *partials, i32 blocks, i32 width) {
  i32 column = blockIdx.x * THREADS + threadIdx.x;
  if (column >= width) return;
  float sum = 0;
  for (i32 block = 0; block < blocks; block++) sum += partials[static_cast<i64>(block) * 2 * width + column];
  gradient[column] += sum;
}
