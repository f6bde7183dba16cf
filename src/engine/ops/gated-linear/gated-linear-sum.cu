// Partial sums of gated_linear_backward, added up in their order. Macro: X, the type of what they are added up to.
#include "fettle.cuh"

// to[row][column] = (add ? to[row][column] : 0) + scale · the sum of partials[·][row][begin + column], for four
// neighbouring columns a thread. partials: [count, rows, stride]; to: [rows, columns] with `ldto` from row to row.
extern "C" __global__ void gated_linear_sum(X *to, i32 ldto, const float *partials, i32 count, i32 rows, i32 columns,
                                            i32 stride, i32 begin, float scale, i32 add) {
  i64 thread = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  i32 fours = columns / 4, row = static_cast<i32>(thread / fours), column = static_cast<i32>(thread % fours) * 4;
  if (row >= rows) return;
  const float *from = partials + static_cast<i64>(row) * stride + begin + column;
  i64 distance = static_cast<i64>(rows) * stride;
  float sum[4] = {};
#pragma unroll 8
  for (int i = 0; i < count; i++) {
    float4 x = *reinterpret_cast<const float4 *>(from + i * distance);
    sum[0] += x.x, sum[1] += x.y, sum[2] += x.z, sum[3] += x.w;
  }
  X *at = to + static_cast<i64>(row) * ldto + column;
#pragma unroll
  for (int i = 0; i < 4; i++) store(at + i, (add ? to_f32(at[i]) : 0.f) + scale * sum[i]);
}
