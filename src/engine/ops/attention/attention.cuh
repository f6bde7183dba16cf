// What the attention kernels on tensor cores share: tiles of lines in shared memory, and the two products of tiles.
//
// A row is one query under one head. The rows of a key-value head are the queries times the heads that share it, heads
// innermost: a tile of rows then spans few queries, so that short segments and the causal diagonal leave little of a
// tile unseen, and one query alone fills a tile with its heads.
//
// Macros: HEAD_DIM, a multiple of 16; WARPS a block.
#pragma once
#include "fettle.cuh"

constexpr int THREADS = WARPS * WARP;
constexpr int CHUNKS = HEAD_DIM / 8; // of 16 bytes in a line
constexpr int COLUMNS = HEAD_DIM / 8; // 8-wide columns of mma tiles over a line
// A line takes an odd number of 16-byte units, so that the eight lines that ldmatrix reads at once lie in distinct banks.
constexpr int PITCH = HEAD_DIM + 8;
constexpr float LOG2_E = 1.44269504088896340736f, LN_2 = 0.69314718055994530942f;

__device__ __forceinline__ float minus_infinity() { return __uint_as_float(0xff800000u); }

// tanh to about 1e-7, from the fast exponential; ±1 where it overflows.
__device__ __forceinline__ float fast_tanh(float x) { 
  return 1.f - __fdividef(2.f, 1.f + fast_exp2(2.f * LOG2_E * x));
 }

// The same in every lane, and known to be so: branches on it and addresses from it cost no lane anything.
__device__ __forceinline__ int warp_number() {
  return __shfl_sync(ALL_LANES, static_cast<int>(threadIdx.x) / WARP, 0);
}

// ---- where lines lie in tensors, counted in lines of HEAD_DIM ----------------------------------------------------------

// Rows of a key-value head in tensors [queries, heads].
struct Rows {
  static constexpr bool EVEN = false;
  i32 count, heads, group, kv_head;
  u32 reciprocal; // ceil(2^32 / group), 0 for a group of 1; exact while queries · group² < 2^32

  __device__ __forceinline__ i32 query(i32 row) const {
    return reciprocal == 0 ? row : static_cast<i32>(__umulhi(static_cast<u32>(row), reciprocal));
  }
  __device__ __forceinline__ i32 place(i32 row) const { return row + query(row) * (heads - group) + kv_head * group; }
};

// Keys of a key-value head in tensors [keys, kvHeads].
struct Keys {
  static constexpr bool EVEN = true; // neighbours are equally far apart
  i32 count, kv_heads, kv_head;

  __device__ __forceinline__ i32 place(i32 key) const { return key * kv_heads + kv_head; }
  __device__ __forceinline__ i32 distance() const { return kv_heads; }
};

// A tile of lines, and the tensor that it is filled from.
struct Copy {
  bf16 *tile;
  const bf16 *from;
};

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

// Line of a warp's product that this lane holds in elements 2 · half and 2 · half + 1 of part m.
__device__ __forceinline__ int line_of(int m, int half) { return m * 16 + half * 8 + threadIdx.x % WARP / 4; }

// The first of the two neighbouring columns that this lane holds in part n.
__device__ __forceinline__ int column_of(int n) { return n * 8 + threadIdx.x % 4 * 2; }

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

// ---- entries of the lists that attention-lists.cu makes: a tile, and for each of four parts of the block's own tile
// whether any of its rows sees any key, and whether all see all ---------------------------------------------------------

__device__ __forceinline__ i32 listed_tile(i32 entry) { return entry >> 8; }
__device__ __forceinline__ bool is_seen(i32 entry, int part) { return entry >> part & 1; }
__device__ __forceinline__ bool is_fully_seen(i32 entry, int part) { return entry >> (4 + part) & 1; }

// Whether a query sees a key; `reach` is the window, or more than any distance. No branches: most lanes must look anyway.
__device__ __forceinline__ bool sees(i32 index, i32 position, i32 key, i32 expiry, i32 key_position, i32 reach) {
  return (key <= index) & (index < expiry) & (position - key_position < reach);
}
