// The way back through gated-linear: gate and up with what the adapters added are computed again, their gradients are
// written, and multiplied with B (for dh) and with h (for the gradients of the B's) while they are at hand.
//
// A block has WARPS · 32 columns and goes down its rows, sixteen a step. What a lane will need of dy, gate and up is under
// way to its own place in shared memory meanwhile. The sums over rows, for the B's, stay in registers to the end; those
// over columns, for dh, are added up over the block's warps after each step. Both are partial: gated-linear-sum.cu adds up
// those of all blocks.
//
// Macros besides those of gated-linear.cuh: WARPS; STAGES, steps in shared memory at once.
#include "gated-linear.cuh"

constexpr int THREADS = WARPS * WARP, COLUMNS = WARPS * 32;
constexpr int GATE_PARTS = parts_of(GATE_RANK), UP_PARTS = parts_of(UP_RANK), TILES = RANK / 8;
// Of 16 bytes, in a line of h or of both B's: the ranks of gate, then those of up, each filled up to 16.
constexpr int CHUNKS = 2 * (GATE_PARTS + UP_PARTS);

struct Shared {
  uint4 pieces[STAGES][WARPS][3][2][WARP]; // dy, gate, up, each of two rows; the last two become their gradients
  bf16 h[STAGES][16 * CHUNKS * 8];
  bf16 b[COLUMNS * CHUNKS * 8]; // lines in the order of tiles
  float4 sums[WARPS][TILES][WARP]; // of dh, fragments of a step's warps
};

// ---- where things lie in shared memory, such that the eight lines that ldmatrix reads at once are in distinct banks -----

__device__ __forceinline__ int offset_of(int line, int chunk) {
  int turn = CHUNKS % 8 == 0 ? line % 8 : CHUNKS % 4 == 0 ? line / 2 % 4 : line / 4 % 2;
  return (line * CHUNKS + (chunk ^ turn)) * 8;
}

// Of the 16 bytes that lane 4 · line + quad has.
__device__ __forceinline__ int piece_of(int line, int quad) { return line * 4 + (quad ^ (line / 2 % 4)); }

// Addresses for ldmatrix: 16 lines by 16 ranks as a left factor, or transposed as a right one; and lines as the columns of
// a right factor.
__device__ __forceinline__ const bf16 *lines_at(const bf16 *tile, int line, int part) {
  return tile + offset_of(line + lane_number() % 16, 2 * part + lane_number() / 16);
}

__device__ __forceinline__ const bf16 *columns_at(const bf16 *tile, int line, int part) {
  return tile + offset_of(line + lane_number() % 8 + lane_number() / 16 * 8, 2 * part + lane_number() / 8 % 2);
}

// ---- one member, gate or up: PARTS of the rank from FIRST on ----------------------------------------------------------

// product = h·Bᵀ
template <int FIRST, int PARTS>
__device__ __forceinline__ void multiply_by_b(float (&product)[4][4], const bf16 *h, const bf16 *b) {
#pragma unroll
  for (int k = 0; k < PARTS; k++) {
    u32 left[4], right[4];
    ldmatrix_x4(left, lines_at(h, 0, FIRST + k));
#pragma unroll
    for (int pair = 0; pair < 2; pair++) {
      ldmatrix_x4(right, columns_at(b, pair * 16, FIRST + k));
      mma_bf16(product[2 * pair], left, right);
      mma_bf16(product[2 * pair + 1], left, right + 2);
    }
  }
}

// sum += gradient·B, a step's sixteen rows
template <int FIRST, int OWN_RANK>
__device__ __forceinline__ void add_to_h(float (*sum)[4], const u32 (&gradient)[2][4], const bf16 *b) {
#pragma unroll
  for (int pair = 0; pair < 2; pair++) {
    u32 left[4] = {gradient[0][2 * pair], gradient[1][2 * pair], gradient[0][2 * pair + 1], gradient[1][2 * pair + 1]};
#pragma unroll
    for (int k = 0; k < parts_of(OWN_RANK); k++) {
      u32 right[4];
      ldmatrix_x4_transposed(right, lines_at(b, pair * 16, FIRST + k));
      mma_bf16(sum[2 * k], left, right);
      if (2 * k + 1 < OWN_RANK / 8) mma_bf16(sum[2 * k + 1], left, right + 2);
    }
  }
}

// sum += gradientᵀ·h, the warp's 32 columns
template <int FIRST, int OWN_RANK>
__device__ __forceinline__ void add_to_b(float (*sum)[2][4], const uint4 (*gradient)[WARP], const bf16 *h) {
  if constexpr (OWN_RANK == 0) return;
  int lane = lane_number();
  u32 left[2][4];
#pragma unroll
  for (int pair = 0; pair < 2; pair++)
    ldmatrix_x4_transposed(left[pair], &gradient[lane / 16][piece_of(lane % 8, 2 * pair + lane / 8 % 2)]);
#pragma unroll
  for (int k = 0; k < parts_of(OWN_RANK); k++) {
    u32 right[4];
    ldmatrix_x4_transposed(right, lines_at(h, 0, FIRST + k));
#pragma unroll
    for (int pair = 0; pair < 2; pair++) {
      mma_bf16(sum[2 * k][pair], left[pair], right);
      if (2 * k + 1 < OWN_RANK / 8) mma_bf16(sum[2 * k + 1][pair], left[pair], right + 2);
    }
  }
}

// ---- the block ----------------------------------------------------------------------------------------------------------

// Where a chunk of a line comes from: `rank` is the first of its eight, less than `ranks` unless it only fills up.
struct Source {
  bool of_gate;
  int rank, ranks;
};

__device__ __forceinline__ Source source_of(int chunk) {
  bool of_gate = chunk < 2 * GATE_PARTS;
  return {of_gate, (of_gate ? chunk : chunk - 2 * GATE_PARTS) * 8, of_gate ? GATE_RANK : UP_RANK};
}

// Adds up dh of a step over the block's warps.
__device__ __forceinline__ void put_sums(float *dh, const Shared &shared, i32 first, i32 end) {
#pragma unroll
  for (int begin = 0; begin < TILES * 64; begin += THREADS) {
    int i = begin + threadIdx.x, tile = i / 64, lane = i / 2 % 32, half = i % 2;
    i32 row = first + half * 8 + lane / 4;
    if (i >= TILES * 64 || row >= end) continue;
    float low = 0, high = 0;
#pragma unroll
    for (int warp = 0; warp < WARPS; warp++) {
      float2 x = reinterpret_cast<const float2 *>(&shared.sums[warp][tile][lane])[half];
      low += x.x, high += x.y;
    }
    *reinterpret_cast<float2 *>(dh + static_cast<i64>(row) * RANK + tile * 8 + lane % 4 * 2) =
        make_float2(low, high);
  }
}

// Blocks: COLUMNS columns of `share` rows, a multiple of 16. dgate and dup may be gate and up. dh: [gridDim.x, rows, RANK],
// without the scales; db: [gridDim.y, width, RANK], likewise, or null.
extern "C" __global__ void __launch_bounds__(THREADS, WARPS <= 8 && CHUNKS <= 4 ? 2 : 1)
    gated_linear_backward(bf16 *dgate, bf16 *dup, float *dh, float *db, const bf16 *dy, const bf16 *gate,
                          const bf16 *up, const bf16 *h, const bf16 *gate_b, const bf16 *up_b, i32 rows, i32 width,
                          i32 share, float gate_scale, float up_scale) {
  FETTLE_SHARED(bytes);
  Shared &shared = *reinterpret_cast<Shared *>(bytes);
  int warp = threadIdx.x / WARP, line = lane_number() / 4, quad = lane_number() % 4;
  i32 column = blockIdx.x * COLUMNS + warp * 32 + quad * 8;
  i32 begin = blockIdx.y * share, end = min(rows, begin + share);
  i64 below = static_cast<i64>(8) * width;
  int own_piece = piece_of(line, quad);

  auto fetch = [&](i32 first, int stage) {
    uint4(*to)[2][WARP] = shared.pieces[stage][warp];
#pragma unroll
    for (int half = 0; half < 2; half++) {
      i32 row = first + line + half * 8;
      bool there = row < end && column < width;
      i64 at = static_cast<i64>(row) * width + column;
      copy_async16(&to[0][half][own_piece], dy + at, there);
      copy_async16(&to[1][half][own_piece], gate + at, there);
      copy_async16(&to[2][half][own_piece], up + at, there);
    }
#pragma unroll
    for (int begin = 0; begin < 16 * CHUNKS; begin += THREADS) {
      int i = begin + threadIdx.x, at = i / CHUNKS, chunk = i % CHUNKS;
      if (i >= 16 * CHUNKS) continue;
      Source source = source_of(chunk);
      const bf16 *from = h + static_cast<i64>(first + at) * RANK + (source.of_gate ? 0 : GATE_RANK) + source.rank;
      copy_async16(shared.h[stage] + offset_of(at, chunk), from, first + at < end && source.rank < source.ranks);
    }
    copy_async_commit();
  };
  i32 own_line = blockIdx.x * COLUMNS + warp * 32 + column_at(lane_number());
#pragma unroll
  for (int chunk = 0; chunk < CHUNKS; chunk++) {
    Source source = source_of(chunk);
    const bf16 *from = (source.of_gate ? gate_b : up_b) + static_cast<i64>(own_line) * source.ranks + source.rank;
    copy_async16(shared.b + offset_of(threadIdx.x, chunk), from, own_line < width && source.rank < source.ranks);
  }
#pragma unroll
  for (int stage = 0; stage < STAGES - 1; stage++) fetch(begin + stage * 16, stage);

  const bf16 *own_b = shared.b + warp * 32 * CHUNKS * 8;
  float *own_dh = dh + static_cast<i64>(blockIdx.x) * rows * RANK;
  float sum_b[TILES][2][4] = {};
  int stage = 0;
  for (i32 first = begin; first < end; first += 16) {
    copy_async_wait<STAGES - 2>();
    __syncthreads();
    fetch(first + (STAGES - 1) * 16, stage == 0 ? STAGES - 1 : stage - 1);
    if (first > begin) put_sums(own_dh, shared, first - 16, end);
    __syncthreads();

    const bf16 *own_h = shared.h[stage];
    uint4(*pieces)[2][WARP] = shared.pieces[stage][warp];
    u32 as_left[2][2][4];
    {
      float of_gate[4][4] = {}, of_up[4][4] = {};
      multiply_by_b<0, GATE_PARTS>(of_gate, own_h, own_b);
      multiply_by_b<GATE_PARTS, UP_PARTS>(of_up, own_h, own_b);
#pragma unroll
      for (int half = 0; half < 2; half++) {
        float d[8], g[8], u[8];
        load8(reinterpret_cast<const bf16 *>(&pieces[0][half][own_piece]), d);
        load8(reinterpret_cast<const bf16 *>(&pieces[1][half][own_piece]), g);
        load8(reinterpret_cast<const bf16 *>(&pieces[2][half][own_piece]), u);
#pragma unroll
        for (int i = 0; i < 8; i++) {
          Activated a = activate(adapted<GATE_RANK>(g[i], of_gate, half, i, gate_scale));
          g[i] = d[i] * adapted<UP_RANK>(u[i], of_up, half, i, up_scale) * a.slope;
          u[i] = d[i] * a.value;
        }
#pragma unroll
        for (int j = 0; j < 4; j++) {
          as_left[0][half][j] = pack_bf16(g[2 * j], g[2 * j + 1]);
          as_left[1][half][j] = pack_bf16(u[2 * j], u[2 * j + 1]);
        }
        i32 row = first + line + half * 8;
        bool there = row < end && column < width;
        i64 at = static_cast<i64>(row) * width + column;
#pragma unroll
        for (int member = 0; member < 2; member++) {
          const u32 *words = as_left[member][half];
          uint4 eight = make_uint4(words[0], words[1], words[2], words[3]);
          pieces[1 + member][half][own_piece] = eight;
          if (there) *reinterpret_cast<uint4 *>((member == 0 ? dgate : dup) + at) = eight;
        }
      }
    }
    __syncwarp();
    add_to_b<0, GATE_RANK>(sum_b, pieces[1], own_h);
    add_to_b<GATE_PARTS, UP_RANK>(sum_b + GATE_RANK / 8, pieces[2], own_h);
    float sum_h[TILES][4] = {};
    add_to_h<0, GATE_RANK>(sum_h, as_left[0], own_b);
    add_to_h<GATE_PARTS, UP_RANK>(sum_h + GATE_RANK / 8, as_left[1], own_b);
#pragma unroll
    for (int tile = 0; tile < TILES; tile++)
      shared.sums[warp][tile][lane_number()] =
          make_float4(sum_h[tile][0], sum_h[tile][1], sum_h[tile][2], sum_h[tile][3]);
    stage = stage == STAGES - 1 ? 0 : stage + 1;
  }
  copy_async_wait<0>();
  __syncthreads();
  put_sums(own_dh, shared, begin + (end - begin - 1) / 16 * 16, end);

  if (db == nullptr) return;
#pragma unroll
  for (int tile = 0; tile < TILES; tile++)
#pragma unroll
    for (int eight = 0; eight < 4; eight++) {
      i32 at = blockIdx.x * COLUMNS + warp * 32 + eight * 8 + line;
      if (at >= width) continue;
      const float *pair = sum_b[tile][eight / 2] + eight % 2 * 2;
      *reinterpret_cast<float2 *>(db + (static_cast<i64>(blockIdx.y) * width + at) * RANK + tile * 8 + quad * 2) =
          make_float2(pair[0], pair[1]);
    }
}
