// Warp-wide operations: lanes come together, then the last to arrive does the work for all.
#include "block.h"

#include <cmath>
#include <cstdint>
#include <cstring>

namespace {

constexpr unsigned laneBit(int lane) { return 1u << lane; }

// Whether all lanes that `first` waits for are there; those that have exited are not waited for.
bool allThere(int warpStart, const Thread &first) {
  for (int lane = 0; lane < warpLanes; lane++) {
    if (!(first.mask & laneBit(lane)) || warpStart + lane >= threadCount()) continue;
    const Thread &other = threadAt(warpStart + lane);
    if (other.state == State::exited) continue;
    if (other.state != State::inWarp || other.mask != first.mask || other.combine != first.combine) return false;
  }
  return true;
}

void release(int warpStart, unsigned mask, FettleCombine combine) {
  void *lanes[warpLanes] = {};
  for (int lane = 0; lane < warpLanes && warpStart + lane < threadCount(); lane++) {
    Thread &thread = threadAt(warpStart + lane);
    if ((mask & laneBit(lane)) && thread.state == State::inWarp) lanes[lane] = thread.own;
  }
  combine(lanes);
  for (int lane = 0; lane < warpLanes; lane++) {
    if (lanes[lane] != nullptr) threadAt(warpStart + lane).state = State::ready;
  }
}

template <class Value, class Step> void reduce(void *const *lanes, Step step) {
  bool any = false;
  Value total = 0;
  for (int lane = 0; lane < warpLanes; lane++) {
    if (lanes[lane] == nullptr) continue;
    auto value = static_cast<Value>(static_cast<FettleVote *>(lanes[lane])->value);
    total = any ? step(total, value) : value;
    any = true;
  }
  for (int lane = 0; lane < warpLanes; lane++) {
    if (lanes[lane] != nullptr) static_cast<FettleVote *>(lanes[lane])->result = static_cast<unsigned>(total);
  }
}

void loadMatrices(void *const *lanes, const char *name, bool transposed) {
  needAllLanes(lanes, name);
  // [matrix][row][column]
  uint16_t values[4][8][8];
  for (int lane = 0; lane < warpLanes; lane++) {
    const void *row = static_cast<FettleLdmatrix *>(lanes[lane])->row;
    if (!isShared(row))
      failThread(Fault::illegalAddress, "%s: lane %d's row %p is not in shared memory", name, lane, row);
    if (reinterpret_cast<uintptr_t>(row) % 16 != 0) {
      failThread(Fault::misaligned, "%s: lane %d's row %p is no multiple of 16", name, lane, row);
    }
    std::memcpy(values[lane / 8][lane % 8], row, 16);
  }
  for (int lane = 0; lane < warpLanes; lane++) {
    unsigned *to = static_cast<FettleLdmatrix *>(lanes[lane])->to;
    int row = lane / 4, column = lane % 4 * 2;
    for (int matrix = 0; matrix < 4; matrix++) {
      const auto &from = values[matrix];
      unsigned low = transposed ? from[column][row] : from[row][column];
      unsigned high = transposed ? from[column + 1][row] : from[row][column + 1];
      to[matrix] = low | high << 16;
    }
  }
}

} // namespace

float bf16ToFloat(unsigned bits) {
  uint32_t wide = bits << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

// Tensor cores work on whole warps only.
void needAllLanes(void *const *lanes, const char *name) {
  for (int lane = 0; lane < warpLanes; lane++) {
    if (lanes[lane] == nullptr) failThread(Fault::launchFailed, "%s: lane %d of the warp is missing", name, lane);
  }
}

void completeWarp(int warp) {
  int start = warp * warpLanes;
  for (int lane = 0; lane < warpLanes && start + lane < threadCount(); lane++) {
    Thread &thread = threadAt(start + lane);
    if (thread.state == State::inWarp && allThere(start, thread)) release(start, thread.mask, thread.combine);
  }
}

extern "C" void fettle_warp_collective(const char *name, unsigned mask, void *own, FettleCombine combine) {
  Thread &thread = currentThread();
  int lane = fettle_lane(), start = static_cast<int>(&thread - &threadAt(0)) - lane;
  if (!(mask & laneBit(lane))) failThread(Fault::launchFailed, "%s: lane %d is not in its mask %08x", name, lane, mask);
  thread.state = State::inWarp;
  thread.waitsAt = name;
  thread.mask = mask;
  thread.own = own;
  thread.combine = combine;
  if (allThere(start, thread)) release(start, mask, combine);
  else waitForOthers();
}

extern "C" void fettle_nothing(void *const *) {}

extern "C" void fettle_shuffle(void *const *lanes) {
  for (int lane = 0; lane < warpLanes; lane++) {
    if (lanes[lane] == nullptr) continue;
    auto *own = static_cast<FettleShuffle *>(lanes[lane]);
    auto *source = static_cast<FettleShuffle *>(lanes[own->source]);
    if (source == nullptr) {
      failThread(Fault::launchFailed, "shuffle: lane %d asks for the value of lane %d, which takes no part", lane,
                 own->source);
    }
    own->result = source->value;
  }
}

extern "C" void fettle_ballot(void *const *lanes) {
  unsigned votes = 0;
  for (int lane = 0; lane < warpLanes; lane++) {
    if (lanes[lane] != nullptr && static_cast<FettleVote *>(lanes[lane])->value) votes |= laneBit(lane);
  }
  for (int lane = 0; lane < warpLanes; lane++) {
    if (lanes[lane] != nullptr) static_cast<FettleVote *>(lanes[lane])->result = votes;
  }
}

extern "C" void fettle_reduce_add(void *const *lanes) {
  reduce<unsigned>(lanes, [](unsigned a, unsigned b) { return a + b; });
}
extern "C" void fettle_reduce_min_signed(void *const *lanes) {
  reduce<int>(lanes, [](int a, int b) { return b < a ? b : a; });
}
extern "C" void fettle_reduce_max_signed(void *const *lanes) {
  reduce<int>(lanes, [](int a, int b) { return a < b ? b : a; });
}
extern "C" void fettle_reduce_min_unsigned(void *const *lanes) {
  reduce<unsigned>(lanes, [](unsigned a, unsigned b) { return b < a ? b : a; });
}
extern "C" void fettle_reduce_max_unsigned(void *const *lanes) {
  reduce<unsigned>(lanes, [](unsigned a, unsigned b) { return a < b ? b : a; });
}

// Fragments of mma.m16n8k16 as the PTX manual draws them: with g = lane / 4 and t = lane % 4,
// a[0..3] hold rows g, g+8, g, g+8 at inner 2t (first two) and 2t+8; b[0..1] inner 2t and 2t+8 of column g;
// d[0..3] hold (g, 2t), (g, 2t+1), (g+8, 2t), (g+8, 2t+1). Words hold the lower index in the lower half.
extern "C" void fettle_mma_bf16(void *const *lanes) {
  needAllLanes(lanes, "mma_bf16");
  float a[16][16], b[16][8];
  for (int lane = 0; lane < warpLanes; lane++) {
    auto *own = static_cast<FettleMma *>(lanes[lane]);
    int g = lane / 4, t = lane % 4 * 2;
    for (int half = 0; half < 2; half++) {
      int shift = 16 * half;
      for (int word = 0; word < 4; word++) {
        a[g + word % 2 * 8][t + word / 2 * 8 + half] = bf16ToFloat(own->a[word] >> shift & 0xffff);
      }
      for (int word = 0; word < 2; word++) b[t + word * 8 + half][g] = bf16ToFloat(own->b[word] >> shift & 0xffff);
    }
  }
  float d[16][8] = {};
  for (int row = 0; row < 16; row++) {
    for (int inner = 0; inner < 16; inner++) {
      for (int column = 0; column < 8; column++) d[row][column] += a[row][inner] * b[inner][column];
    }
  }
  for (int lane = 0; lane < warpLanes; lane++) {
    float *to = static_cast<FettleMma *>(lanes[lane])->d;
    int g = lane / 4, t = lane % 4 * 2;
    for (int i = 0; i < 4; i++) to[i] += d[g + i / 2 * 8][t + i % 2];
  }
}

extern "C" void fettle_ldmatrix_x4(void *const *lanes) { loadMatrices(lanes, "ldmatrix_x4", false); }
extern "C" void fettle_ldmatrix_x4_transposed(void *const *lanes) {
  loadMatrices(lanes, "ldmatrix_x4_transposed", true);
}
