// Products by warpgroups (wgmma), done warp by warp: each of the four computes its own 16 lines. A product is done when
// its warp waits for it, with what its factors are by then, or at once where copies are early.
#include "block.h"

#include <cstdint>
#include <cstring>
#include <deque>
#include <vector>

namespace {

constexpr int warpsOfGroup = 4, inner = 16;

struct Product {
  FettleWgmma lanes[warpLanes];
};

struct Warp {
  // Groups of products, oldest first; the last is not yet committed.
  std::deque<std::vector<Product>> groups;
  // Whether registers have been fenced since the last commit.
  bool fenced;
  // Of all that the warp has asked for: the four warps of a group must ask for the same.
  uint64_t asked;
};

Warp warps[maxThreads / warpLanes];

int warpNumber() { return static_cast<int>(&currentThread() - &threadAt(0)) / warpLanes; }

// What a 64-bit matrix descriptor says, as the PTX manual lays it out.
struct Descriptor {
  unsigned start, leading, stride;

  Descriptor(unsigned long long bits, const char *of) {
    start = (bits & 0x3fff) << 4;
    leading = (bits >> 16 & 0x3fff) << 4;
    stride = (bits >> 32 & 0x3fff) << 4;
    if (bits >> 62 != 1) failThread(Fault::launchFailed, "wgmma: %s is not in the 128-byte swizzle", of);
    if (bits >> 49 & 7) failThread(Fault::launchFailed, "wgmma: %s has a base offset", of);
  }

  // Bits 4 to 6 of an address are swizzled with bits 7 to 9.
  float at(unsigned address) const {
    address = (address ^ (address >> 7 & 7) << 4) & 0x3ffff;
    const unsigned char *byte = atSharedAddress(address);
    if (!isShared(byte)) failThread(Fault::illegalAddress, "wgmma: address %#x is not in shared memory", address);
    uint16_t value;
    std::memcpy(&value, byte, sizeof value);
    return bf16ToFloat(value);
  }

  // Inner elements are neighbours, eight lines of 128 bytes lie together.
  float byLine(unsigned line, unsigned k) const { return at(start + line / 8 * stride + line % 8 * 128 + k * 2); }

  // Lines are inner, 64 columns lie together.
  float byInner(unsigned column, unsigned k) const {
    return at(start + column / 64 * leading + column % 64 * 2 + k / 8 * stride + k % 8 * 128);
  }
};

void multiply(const Product &product, int warp) {
  const FettleWgmma &first = product.lanes[0];
  static float a[16][inner], b[256][inner];
  if (first.a == nullptr) {
    Descriptor left(first.aDescriptor, "the left factor");
    for (int row = 0; row < 16; row++) {
      for (int k = 0; k < inner; k++) a[row][k] = left.byLine(warp % warpsOfGroup * 16 + row, k);
    }
  } else {
    // As of mma.m16n8k16, see warp.cpp.
    for (int lane = 0; lane < warpLanes; lane++) {
      for (int i = 0; i < 8; i++) {
        int word = i / 2, row = lane / 4 + word % 2 * 8, k = lane % 4 * 2 + word / 2 * 8 + i % 2;
        a[row][k] = bf16ToFloat(product.lanes[lane].a[word] >> 16 * (i % 2) & 0xffff);
      }
    }
  }
  Descriptor right(first.bDescriptor, "the right factor");
  for (int column = 0; column < first.columns; column++) {
    for (int k = 0; k < inner; k++) {
      b[column][k] = first.byInner ? right.byInner(column, k) : right.byLine(column, k);
    }
  }
  for (int lane = 0; lane < warpLanes; lane++) {
    float *d = product.lanes[lane].d;
    for (int i = 0; i < first.columns / 2; i++) {
      int row = lane / 4 + i / 2 % 2 * 8, column = i / 4 * 8 + lane % 4 * 2 + i % 2;
      float sum = 0;
      for (int k = 0; k < inner; k++) sum += a[row][k] * b[column][k];
      d[i] = first.add ? d[i] + sum : sum;
    }
  }
}

void note(Warp &warp, uint64_t what) { warp.asked = (warp.asked ^ what) * 0x100000001b3u; }

} // namespace

void resetProducts() {
  for (int warp = 0; warp * warpLanes < threadCount(); warp++) {
    warps[warp].groups.clear();
    warps[warp].groups.emplace_back();
    warps[warp].fenced = false;
    warps[warp].asked = 0;
  }
}

void expectNoProducts(int warp) {
  for (const auto &group : warps[warp].groups) {
    if (!group.empty()) failThread(Fault::launchFailed, "wgmma: nobody waited for the last products");
  }
}

const char *differingWarpgroups() {
  for (int warp = 0; warp < threadCount() / warpLanes; warp++) {
    if (warps[warp].asked != warps[warp / warpsOfGroup * warpsOfGroup].asked) {
      return "wgmma: the warps of a warpgroup asked for different products";
    }
  }
  return nullptr;
}

extern "C" void fettle_wgmma_fence(void *const *lanes) {
  needAllLanes(lanes, "wgmma_fence");
  warps[warpNumber()].fenced = true;
}

extern "C" void fettle_wgmma_commit(void *const *lanes) {
  needAllLanes(lanes, "wgmma_commit");
  Warp &warp = warps[warpNumber()];
  note(warp, 1);
  warp.fenced = false;
  warp.groups.emplace_back();
}

extern "C" void fettle_wgmma_wait(void *const *lanes) {
  needAllLanes(lanes, "wgmma_wait");
  Warp &warp = warps[warpNumber()];
  size_t keep = static_cast<size_t>(*static_cast<int *>(lanes[0])) + 1;
  note(warp, 2 + keep);
  for (; warp.groups.size() > keep; warp.groups.pop_front()) {
    for (const Product &product : warp.groups.front()) multiply(product, warpNumber());
  }
}

extern "C" void fettle_wgmma(void *const *lanes) {
  needAllLanes(lanes, "wgmma");
  int number = warpNumber(), first = number / warpsOfGroup * warpsOfGroup;
  Warp &warp = warps[number];
  if ((first + warpsOfGroup) * warpLanes > threadCount()) {
    failThread(Fault::launchFailed, "wgmma: warp %d is not in a whole warpgroup", number);
  }
  if (!warp.fenced) failThread(Fault::launchFailed, "wgmma: no wgmma_fence before the first product of a group");
  for (int i = 0; i < threadCount(); i++) {
    if (threadAt(i).unfenced) {
      failThread(Fault::launchFailed, "wgmma: thread %d has waited for copies and not fenced them for products", i);
    }
  }
  Product product;
  for (int lane = 0; lane < warpLanes; lane++) product.lanes[lane] = *static_cast<FettleWgmma *>(lanes[lane]);
  const FettleWgmma &own = product.lanes[0];
  for (const FettleWgmma &other : product.lanes) {
    if (other.aDescriptor != own.aDescriptor || other.bDescriptor != own.bDescriptor || other.add != own.add) {
      failThread(Fault::launchFailed, "wgmma: lanes name different factors");
    }
  }
  const uint64_t asked[] = {own.aDescriptor, own.bDescriptor, static_cast<uint64_t>(own.columns), own.byInner, own.add};
  for (uint64_t part : asked) note(warp, part);
  if (isEarly()) multiply(product, number);
  else warp.groups.back().push_back(product);
}
