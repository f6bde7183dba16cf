// What the attention kernels on tensor cores of a warp share: tiles of lines in shared memory, and the two products of
// tiles.
//
// Macros: HEAD_DIM, a multiple of 16; WARPS a block.
#pragma once
#include "attention-rows.cuh"

constexpr int THREADS = WARPS * WARP;
constexpr int CHUNKS = HEAD_DIM / 8; // of 16 bytes in a line
constexpr int COLUMNS = HEAD_DIM / 8; // 8-wide columns of mma tiles over a line
// A line takes an odd number of 16-byte units, so that the eight lines that ldmatrix reads at once lie in distinct banks.
constexpr int PITCH = HEAD_DIM + 8;

// Begins to copy COUNT lines from `first` on, the same of each tensor; zeros past the last line. An address past the
// last line is not looked at.
template <int COUNT, class Lines, class... Copies>
__device__ __forceinline__ void copy_lines(i32 first, const Lines &lines, const Copies &...copies) {
  constexpr u32 ALL = COUNT * CHUNKS, LINES = THREADS / CHUNKS; // lines at once, where that comes out even
  if constexpr (Lines::EVEN && THREADS % CHUNKS == 0 && COUNT % LINES == 0) {
    u32 line = threadIdx.x / CHUNKS, chunk = threadIdx.x % CHUNKS, to = line * PITCH + chunk * 8;
    i32 left = lines.count - first - static_cast<i32>(line);
    i64 from = static_cast<i64>(lines.place(first + static_cast<i32>(line))) * HEAD_DIM + chunk * 8;
    i64 step = static_cast<i64>(lines.distance()) * (LINES * HEAD_DIM);
#pragma unroll
    for (int i = 0; i < static_cast<int>(COUNT / LINES); i++, from += step)
      (copy_async16(copies.tile + to + i * LINES * PITCH, copies.from + from, i * static_cast<int>(LINES) < left), ...);
  } else {
#pragma unroll
    for (u32 begin = 0; begin < ALL; begin += THREADS) {
      u32 i = begin + threadIdx.x, line = i / CHUNKS, chunk = i % CHUNKS;
      if (ALL % THREADS != 0 && i >= ALL) break;
      i32 at = first + static_cast<i32>(line);
      i64 from = static_cast<i64>(lines.place(at)) * HEAD_DIM;
      (copy_async16(copies.tile + line * PITCH + chunk * 8, copies.from + chunk * 8 + from, at < lines.count), ...);
    }
  }
}

// ---- fragments of tiles -------------------------------------------------------------------------------------------------

// Offset of the line that this lane names to ldmatrix: of a left factor, and of a right factor read transposed.
__device__ __forceinline__ int left_offset() {
  int lane = threadIdx.x % WARP;
  return lane % 16 * PITCH + lane / 16 * 8;
}

// The same of a right factor whose lines are the columns of the product.
__device__ __forceinline__ int right_offset() {
  int lane = threadIdx.x % WARP;
  return (lane % 8 + lane / 16 * 8) * PITCH + lane / 8 % 2 * 8;
}

// product[16 · M lines of left][8 · N lines of right] = left · rightᵀ. `left` is at left_offset, `right` at right_offset.
// In this product and the next one each fragment is read from shared memory while the one before it is multiplied.
template <int M, int N>
__device__ __forceinline__ void multiply(float (&product)[M][N][4], const bf16 *left, const bf16 *right) {
#pragma unroll
  for (int m = 0; m < M; m++)
#pragma unroll
    for (int n = 0; n < N; n++)
#pragma unroll
      for (int e = 0; e < 4; e++) product[m][n][e] = 0;
  u32 a[2][M][4], b[2][4];
#pragma unroll
  for (int m = 0; m < M; m++) ldmatrix_x4(a[0][m], left + m * 16 * PITCH);
  ldmatrix_x4(b[0], right);
#pragma unroll
  for (int i = 0; i < HEAD_DIM / 16 * (N / 2); i++) {
    int k = i / (N / 2), n = i % (N / 2), next = i + 1;
    if (next < HEAD_DIM / 16 * (N / 2))
      ldmatrix_x4(b[next % 2], right + next % (N / 2) * 16 * PITCH + next / (N / 2) * 16);
    if (n == N / 2 - 1 && k + 1 < HEAD_DIM / 16)
#pragma unroll
      for (int m = 0; m < M; m++) ldmatrix_x4(a[(k + 1) % 2][m], left + m * 16 * PITCH + (k + 1) * 16);
#pragma unroll
    for (int m = 0; m < M; m++) {
      mma_bf16(product[m][2 * n], a[k % 2][m], b[i % 2]);
      mma_bf16(product[m][2 * n + 1], a[k % 2][m], b[i % 2] + 2);
    }
  }
}

// sum[16 · M][HEAD_DIM] += left [16 · M][16] · right [16 lines]. `right` is at left_offset.
template <int M>
__device__ __forceinline__ void multiply_add(float (&sum)[M][COLUMNS][4], const u32 (&left)[M][4], const bf16 *right) {
  u32 b[2][4];
  ldmatrix_x4_transposed(b[0], right);
#pragma unroll
  for (int n = 0; n < COLUMNS / 2; n++) {
    if (n + 1 < COLUMNS / 2) ldmatrix_x4_transposed(b[(n + 1) % 2], right + (n + 1) * 16);
#pragma unroll
    for (int m = 0; m < M; m++) {
      mma_bf16(sum[m][2 * n], left[m], b[n % 2]);
      mma_bf16(sum[m][2 * n + 1], left[m], b[n % 2] + 2);
    }
  }
}

// Columns 16 · k and on of a product as a left factor.
template <int M, int N>
__device__ __forceinline__ void as_left(u32 (&left)[M][4], const float (&product)[M][N][4], int k) {
#pragma unroll
  for (int m = 0; m < M; m++)
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const float *pair = product[m][2 * k + i / 2] + i % 2 * 2;
      left[m][i] = pack_bf16(pair[0], pair[1]);
    }
}

// to[first ..] = factors · sum, a warp's 16 · M lines, by way of `stage`: as many lines of shared memory of its own.
template <int M, class Lines>
__device__ __forceinline__ void put(bf16 *to, const float (&sum)[M][COLUMNS][4], const float (&factors)[M][2],
                                    bf16 *stage, i32 first, const Lines &lines) {
  __syncwarp();
#pragma unroll
  for (int m = 0; m < M; m++)
#pragma unroll
    for (int half = 0; half < 2; half++)
#pragma unroll
      for (int n = 0; n < COLUMNS; n++) {
        float low = sum[m][n][2 * half] * factors[m][half], high = sum[m][n][2 * half + 1] * factors[m][half];
        *reinterpret_cast<u32 *>(stage + line_of(m, half) * PITCH + column_of(n)) = pack_bf16(low, high);
      }
  __syncwarp();
  for (u32 i = threadIdx.x % WARP; i < 16 * M * CHUNKS; i += WARP) {
    u32 line = i / CHUNKS, chunk = i % CHUNKS;
    i32 at = first + static_cast<i32>(line);
    if (at >= lines.count) break;
    const uint4 *from = reinterpret_cast<const uint4 *>(stage + line * PITCH + chunk * 8);
    *reinterpret_cast<uint4 *>(to + chunk * 8 + static_cast<i64>(lines.place(at)) * HEAD_DIM) = *from;
  }
}
