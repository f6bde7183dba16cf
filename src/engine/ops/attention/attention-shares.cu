// The end of what attention-keys.cu and its kind leave: where several blocks shared a tile of keys, their sums of dk and
// dv are added in order.
//
// Macros: HEAD_DIM, KEYS (of a tile).
#include "attention-rows.cuh"

constexpr int CHUNKS = HEAD_DIM / 8; // of eight elements in a line

// Adds up the shares of split tiles, eight neighbouring elements a thread. Blocks: splits, kvHeads, parts of a tile.
extern "C" __global__ void attention_shares(bf16 *dk, bf16 *dv, const float *shares, const i32 *totals,
                                            const int4 *splits, i32 key_count, i32 kv_heads, float scale) {
  if (blockIdx.x >= totals[1]) return;
  int4 split = splits[blockIdx.x];
  u32 item = blockIdx.z * blockDim.x + threadIdx.x;
  if (item >= 2 * KEYS * CHUNKS) return;
  bool of_v = item >= KEYS * CHUNKS;
  u32 chunk = item % CHUNKS;
  i32 key = split.x * KEYS + static_cast<i32>(item / CHUNKS % KEYS);
  if (key >= key_count) return;
  float sum[8] = {};
  for (i32 i = 0; i < split.z; i++) {
    i64 share = static_cast<i64>(split.y + i) * kv_heads + blockIdx.y;
    float x[8];
    load8(shares + share * (2 * KEYS * HEAD_DIM) + item * 8, x);
    for (int j = 0; j < 8; j++) sum[j] += x[j];
  }
  for (int j = 0; j < 8; j++) sum[j] *= of_v ? 1.f : scale;
  Keys keys = {key_count, kv_heads, static_cast<i32>(blockIdx.y)};
  store8((of_v ? dv : dk) + static_cast<i64>(keys.place(key)) * HEAD_DIM + chunk * 8, sum);
}
