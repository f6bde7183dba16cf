// y = activation(gate + gate_scale · h·gate_bᵀ) · (up + up_scale · h·up_bᵀ), where h begins with gate's columns.
// Each warp stays with its columns and B, and goes down the rows; what a lane will need is under way to its own place in
// shared memory meanwhile.
#include "gated-linear.cuh"

constexpr int WARPS = 8, THREADS = WARPS * WARP, STAGES = 3;

// The lane's part of a right factor, of as many steps over the rank as there are. The order of a step's 16 ranks is free:
// a lane has four that are neighbours, of h as of B.
template <int OWN_RANK>
struct RightFactor {
  u32 b[parts_of(OWN_RANK)][4][2];

  __device__ __forceinline__ void load(const bf16 *from, i32 first_column, i32 width) {
    int line = lane_number() / 4, quad = lane_number() % 4;
#pragma unroll
    for (int k = 0; k < parts_of(OWN_RANK); k++)
#pragma unroll
      for (int j = 0; j < 4; j++) {
        i32 column = first_column + column_at(8 * j + line);
        int rank = k * 16 + quad * 4;
        uint2 four = make_uint2(0, 0);
        if (column < width && rank < OWN_RANK)
          four = *reinterpret_cast<const uint2 *>(from + static_cast<i64>(column) * OWN_RANK + rank);
        b[k][j][0] = four.x, b[k][j][1] = four.y;
      }
  }
};

// The lane's part of sixteen rows of h, `begin` columns on.
template <int OWN_RANK>
struct LeftFactor {
  u32 a[parts_of(OWN_RANK)][4];

  __device__ __forceinline__ void load(const bf16 *h, int begin, i32 row, i32 end) {
    int quad = lane_number() % 4;
#pragma unroll
    for (int half = 0; half < 2; half++)
#pragma unroll
      for (int k = 0; k < parts_of(OWN_RANK); k++) {
        i32 at = row + half * 8;
        int rank = k * 16 + quad * 4;
        uint2 four = make_uint2(0, 0);
        if (at < end && rank < OWN_RANK)
          four = *reinterpret_cast<const uint2 *>(h + static_cast<i64>(at) * RANK + begin + rank);
        a[k][half] = four.x, a[k][2 + half] = four.y;
      }
  }

  __device__ __forceinline__ void multiply(float (&product)[4][4], const RightFactor<OWN_RANK> &right) const {
#pragma unroll
    for (int k = 0; k < parts_of(OWN_RANK); k++)
#pragma unroll
      for (int j = 0; j < 4; j++) mma_bf16(product[j], a[k], right.b[k][j]);
  }
};

template <>
struct RightFactor<0> {
  __device__ __forceinline__ void load(const bf16 *, i32, i32) {}
};

template <>
struct LeftFactor<0> {
  __device__ __forceinline__ void load(const bf16 *, int, i32, i32) {}
  __device__ __forceinline__ void multiply(float (&)[4][4], const RightFactor<0> &) const {}
};

// Blocks: 256 columns of `share` rows, a multiple of 16.
extern "C" __global__ void __launch_bounds__(THREADS, parts_of(GATE_RANK) + parts_of(UP_RANK) <= 2 ? 3 : 2)
    gated_linear_forward(bf16 *y, const bf16 *gate, const bf16 *up, const bf16 *h, const bf16 *gate_b,
                         const bf16 *up_b, i32 rows, i32 width, i32 share, float gate_scale, float up_scale) {
  __shared__ uint4 pieces[STAGES][2][2][THREADS]; // of gate and up, each of two rows
  i32 first_column = (blockIdx.x * WARPS + threadIdx.x / WARP) * 32;
  i32 column = first_column + lane_number() % 4 * 8;
  i32 begin = blockIdx.y * share, end = min(rows, begin + share), line = lane_number() / 4;
  i64 below = static_cast<i64>(8) * width;

  auto fetch = [&](i32 row, int stage) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      bool there = row + half * 8 < end && column < width;
      i64 at = static_cast<i64>(row) * width + column + half * below;
      copy_async16(&pieces[stage][0][half][threadIdx.x], gate + at, there);
      copy_async16(&pieces[stage][1][half][threadIdx.x], up + at, there);
    }
    copy_async_commit();
  };
#pragma unroll
  for (int stage = 0; stage < STAGES - 1; stage++) fetch(begin + line + stage * 16, stage);

  RightFactor<GATE_RANK> right_of_gate;
  RightFactor<UP_RANK> right_of_up;
  right_of_gate.load(gate_b, first_column, width);
  right_of_up.load(up_b, first_column, width);
  int stage = 0;
  for (i32 first = begin; first < end; first += 16) {
    i32 row = first + line;
    LeftFactor<GATE_RANK> left_of_gate;
    LeftFactor<UP_RANK> left_of_up;
    left_of_gate.load(h, 0, row, end);
    left_of_up.load(h, GATE_RANK, row, end);
    copy_async_wait<STAGES - 2>();
    fetch(row + (STAGES - 1) * 16, stage == 0 ? STAGES - 1 : stage - 1);

    float of_gate[4][4] = {}, of_up[4][4] = {};
    left_of_gate.multiply(of_gate, right_of_gate);
    left_of_up.multiply(of_up, right_of_up);
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float g[8], u[8];
      load8(reinterpret_cast<const bf16 *>(&pieces[stage][0][half][threadIdx.x]), g);
      load8(reinterpret_cast<const bf16 *>(&pieces[stage][1][half][threadIdx.x]), u);
#pragma unroll
      for (int i = 0; i < 8; i++)
        u[i] = activate(adapted<GATE_RANK>(g[i], of_gate, half, i, gate_scale)).value *
               adapted<UP_RANK>(u[i], of_up, half, i, up_scale);
      if (row + half * 8 < end && column < width)
        store8(y + static_cast<i64>(row) * width + column + half * below, u);
    }
    stage = stage == STAGES - 1 ? 0 : stage + 1;
  }
}
