// Device memory: cuMemAlloc, and address ranges with physical memory mapped into them. Bytes lie in one file in memory,
// so that what a range showed can be unmapped and shown elsewhere, as on a GPU.
#include "driver.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <iterator>
#include <map>
#include <sys/mman.h>
#include <unistd.h>

namespace {

constexpr size_t granularity = 2 << 20;
constexpr off_t fileBytes = off_t(1) << 44;
constexpr int noAddress = PROT_NONE;
// Fresh memory holds anything; NaN shows.
constexpr int garbage = 0xff;

struct Physical {
  off_t offset;
  size_t bytes;
  int mappings;
  bool released, fresh;
};

struct Mapping {
  size_t bytes;
  uint64_t handle;
  bool accessible;
};

std::map<CUdeviceptr, size_t> reserved;
std::map<CUdeviceptr, Mapping> mapped;
std::map<CUdeviceptr, size_t> allocated;
// Of the host, at the same addresses on the device.
std::map<CUdeviceptr, size_t> pinned;
std::map<uint64_t, Physical> physical;
size_t used;
off_t nextOffset;
uint64_t nextHandle = 1;

int memoryFile() {
  static int file = [] {
    int fresh = memfd_create("fettle-emulated-gpu", MFD_CLOEXEC);
    if (fresh < 0 || ftruncate(fresh, fileBytes) != 0) {
      std::perror("emulator: no device memory");
      std::abort();
    }
    return fresh;
  }();
  return file;
}

char *asHost(CUdeviceptr at) { return reinterpret_cast<char *>(at); }
size_t roundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

// The entry whose range holds all of [at, at + bytes), or the end.
template <class Map, class Size> typename Map::iterator rangeAround(Map &map, CUdeviceptr at, size_t bytes, Size size) {
  auto after = map.upper_bound(at);
  if (after == map.begin()) return map.end();
  auto entry = std::prev(after);
  return at + bytes <= entry->first + size(entry->second) ? entry : map.end();
}

// An aligned range of addresses with nothing behind it.
void *reserveAddresses(size_t bytes, size_t alignment) {
  void *wide = mmap(nullptr, bytes + alignment, noAddress, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (wide == MAP_FAILED) return nullptr;
  auto start = reinterpret_cast<uintptr_t>(wide), aligned = roundUp(start, alignment);
  if (aligned > start) munmap(wide, aligned - start);
  munmap(asHost(aligned + bytes), start + alignment - aligned);
  return asHost(aligned);
}

bool hideAddresses(CUdeviceptr at, size_t bytes) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
  return mmap(asHost(at), bytes, noAddress, flags, -1, 0) != MAP_FAILED;
}

void dropIfUnused(uint64_t handle) {
  auto entry = physical.find(handle);
  if (!entry->second.released || entry->second.mappings > 0) return;
  const Physical &memory = entry->second;
  fallocate(memoryFile(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, memory.offset, static_cast<off_t>(memory.bytes));
  used -= memory.bytes;
  physical.erase(entry);
}

} // namespace

size_t totalMemory() {
  const char *value = std::getenv("FETTLE_EMULATOR_MEMORY");
  return value == nullptr ? size_t(2) << 30 : std::strtoull(value, nullptr, 10);
}

bool isDeviceMemory(CUdeviceptr at, size_t bytes) {
  if (bytes == 0) return true;
  for (auto *ranges : {&allocated, &pinned}) {
    auto whole = rangeAround(*ranges, at, bytes, [](size_t size) { return size; });
    if (whole != ranges->end()) return true;
  }
  // Neighbouring mappings may be used as one.
  for (CUdeviceptr end = at + bytes; at < end;) {
    auto entry = rangeAround(mapped, at, 1, [](const Mapping &mapping) { return mapping.bytes; });
    if (entry == mapped.end() || !entry->second.accessible) return false;
    at = entry->first + entry->second.bytes;
  }
  return true;
}

EXPORT CUresult cuMemGetInfo_v2(size_t *free, size_t *total) {
  NEED_CONTEXT();
  *total = totalMemory();
  *free = *total - std::min(*total, used);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *at, size_t bytes) {
  NEED_CONTEXT();
  if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  size_t rounded = roundUp(bytes, 512);
  if (used + rounded > totalMemory()) return CUDA_ERROR_OUT_OF_MEMORY;
  void *memory = aligned_alloc(512, rounded);
  if (memory == nullptr) return CUDA_ERROR_OUT_OF_MEMORY;
  std::memset(memory, garbage, rounded);
  used += rounded;
  *at = reinterpret_cast<CUdeviceptr>(memory);
  allocated[*at] = rounded;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemFree_v2(CUdeviceptr at) {
  NEED_CONTEXT();
  if (at == 0) return CUDA_SUCCESS;
  auto entry = allocated.find(at);
  if (entry == allocated.end()) return CUDA_ERROR_INVALID_VALUE;
  used -= entry->second;
  allocated.erase(entry);
  std::free(asHost(at));
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemHostAlloc(void **at, size_t bytes, unsigned) {
  NEED_CONTEXT();
  if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  constexpr size_t page = 4096;
  *at = aligned_alloc(page, roundUp(bytes, page));
  if (*at == nullptr) return CUDA_ERROR_OUT_OF_MEMORY;
  pinned[reinterpret_cast<CUdeviceptr>(*at)] = bytes;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemFreeHost(void *at) {
  NEED_CONTEXT();
  if (pinned.erase(reinterpret_cast<CUdeviceptr>(at)) == 0) return CUDA_ERROR_INVALID_VALUE;
  std::free(at);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemGetAllocationGranularity(size_t *bytes, const void *properties, int) {
  NEED_CONTEXT();
  if (properties == nullptr) return CUDA_ERROR_INVALID_VALUE;
  *bytes = granularity;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemAddressReserve(CUdeviceptr *at, size_t bytes, size_t alignment, CUdeviceptr, unsigned long long) {
  NEED_CONTEXT();
  if (bytes == 0 || bytes % granularity != 0 || (alignment & (alignment - 1)) != 0) return CUDA_ERROR_INVALID_VALUE;
  void *range = reserveAddresses(bytes, std::max(alignment, granularity));
  if (range == nullptr) return CUDA_ERROR_OUT_OF_MEMORY;
  *at = reinterpret_cast<CUdeviceptr>(range);
  reserved[*at] = bytes;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemAddressFree(CUdeviceptr at, size_t bytes) {
  NEED_CONTEXT();
  auto entry = reserved.find(at);
  if (entry == reserved.end() || entry->second != bytes) return CUDA_ERROR_INVALID_VALUE;
  auto inside = mapped.lower_bound(at);
  if (inside != mapped.end() && inside->first < at + bytes) return CUDA_ERROR_INVALID_VALUE;
  munmap(asHost(at), bytes);
  reserved.erase(entry);
  return CUDA_SUCCESS;
}

// CUmemAllocationProp begins with the type (1, pinned), the handle type and the location (1, device; then its number).
EXPORT CUresult cuMemCreate(uint64_t *handle, size_t bytes, const int *properties, unsigned long long flags) {
  NEED_CONTEXT();
  if (bytes == 0 || bytes % granularity != 0 || flags != 0 || properties == nullptr) return CUDA_ERROR_INVALID_VALUE;
  if (properties[0] != 1 || properties[2] != 1) return CUDA_ERROR_INVALID_VALUE;
  if (properties[3] != 0) return CUDA_ERROR_INVALID_DEVICE;
  if (used + bytes > totalMemory()) return CUDA_ERROR_OUT_OF_MEMORY;
  used += bytes;
  *handle = nextHandle++;
  physical[*handle] = {nextOffset, bytes, 0, false, true};
  nextOffset += static_cast<off_t>(bytes);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemRelease(uint64_t handle) {
  NEED_CONTEXT();
  auto entry = physical.find(handle);
  if (entry == physical.end() || entry->second.released) return CUDA_ERROR_INVALID_VALUE;
  entry->second.released = true;
  dropIfUnused(handle);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemMap(CUdeviceptr at, size_t bytes, size_t offset, uint64_t handle, unsigned long long flags) {
  NEED_CONTEXT();
  auto range = rangeAround(reserved, at, bytes, [](size_t size) { return size; });
  auto memory = physical.find(handle);
  if (range == reserved.end() || memory == physical.end() || memory->second.released) return CUDA_ERROR_INVALID_VALUE;
  if (bytes == 0 || bytes % granularity != 0 || at % granularity != 0 || flags != 0) return CUDA_ERROR_INVALID_VALUE;
  if (offset != 0 || bytes > memory->second.bytes) return CUDA_ERROR_INVALID_VALUE;
  auto next = mapped.lower_bound(at);
  if (next != mapped.end() && next->first < at + bytes) return CUDA_ERROR_INVALID_VALUE;
  if (rangeAround(mapped, at, 1, [](const Mapping &mapping) { return mapping.bytes; }) != mapped.end()) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  int sharing = MAP_SHARED | MAP_FIXED;
  if (mmap(asHost(at), bytes, noAddress, sharing, memoryFile(), memory->second.offset) == MAP_FAILED) {
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
  memory->second.mappings++;
  mapped[at] = {bytes, handle, false};
  return CUDA_SUCCESS;
}

// CUmemAccessDesc: the location (1, device; then its number), then 1 to read or 3 to read and write.
EXPORT CUresult cuMemSetAccess(CUdeviceptr at, size_t bytes, const int *access, size_t count) {
  NEED_CONTEXT();
  if (count != 1 || access == nullptr || access[0] != 1 || access[1] != 0) return CUDA_ERROR_INVALID_VALUE;
  int protection = access[2] == 3 ? PROT_READ | PROT_WRITE : access[2] == 1 ? PROT_READ : noAddress;
  for (CUdeviceptr end = at + bytes; at < end;) {
    auto entry = mapped.find(at);
    if (entry == mapped.end() || at + entry->second.bytes > end) return CUDA_ERROR_INVALID_VALUE;
    if (mprotect(asHost(at), entry->second.bytes, protection) != 0) return CUDA_ERROR_OUT_OF_MEMORY;
    entry->second.accessible = protection != noAddress;
    Physical &memory = physical[entry->second.handle];
    if (memory.fresh && access[2] == 3) {
      std::memset(asHost(at), garbage, entry->second.bytes);
      memory.fresh = false;
    }
    at += entry->second.bytes;
  }
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemUnmap(CUdeviceptr at, size_t bytes) {
  NEED_CONTEXT();
  for (CUdeviceptr end = at + bytes; at < end;) {
    auto entry = mapped.find(at);
    if (entry == mapped.end() || at + entry->second.bytes > end) return CUDA_ERROR_INVALID_VALUE;
    size_t length = entry->second.bytes;
    uint64_t handle = entry->second.handle;
    if (!hideAddresses(at, length)) return CUDA_ERROR_OUT_OF_MEMORY;
    mapped.erase(entry);
    physical[handle].mappings--;
    dropIfUnused(handle);
    at += length;
  }
  return CUDA_SUCCESS;
}
