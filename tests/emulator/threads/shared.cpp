// Shared memory and the asynchronous copies into it.
#include "shared.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

extern "C" unsigned char *fettle_dynamic_shared = nullptr;

namespace {

constexpr size_t alignment = 128, pageBytes = 4096,
                 arenaBytes = (maxDynamicShared + pageBytes - 1) / pageBytes * pageBytes;
constexpr unsigned char poison = 0xff, canary = 0xa5;

const Launch *current;

unsigned char *arenaEnd() {
  static unsigned char *end = [] {
    void *arena = mmap(nullptr, arenaBytes + pageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (arena == MAP_FAILED || mprotect(static_cast<char *>(arena) + arenaBytes, pageBytes, PROT_NONE) != 0) {
      std::perror("emulator: no shared memory");
      std::abort();
    }
    return static_cast<unsigned char *>(arena) + arenaBytes;
  }();
  return end;
}

void copyNow(const PendingCopy &copy) {
  if (copy.valid) std::memcpy(copy.to, copy.from, 16);
  else std::memset(copy.to, 0, 16);
}

bool early;

} // namespace

bool isEarly() { return early; }

void placeShared(const Launch &launch) {
  current = &launch;
  const char *copies = std::getenv("FETTLE_EMULATOR_COPIES");
  early = copies != nullptr && std::strcmp(copies, "early") == 0;
  size_t rounded = (launch.dynamicShared + alignment - 1) / alignment * alignment;
  fettle_dynamic_shared = arenaEnd() - rounded;
}

void poisonShared() {
  unsigned char *end = fettle_dynamic_shared + current->dynamicShared;
  std::memset(fettle_dynamic_shared, poison, current->dynamicShared);
  std::memset(end, canary, static_cast<size_t>(arenaEnd() - end));
  std::memset(current->staticShared, poison, static_cast<size_t>(current->staticSharedEnd - current->staticShared));
}

bool sharedOverrun() {
  for (const unsigned char *at = fettle_dynamic_shared + current->dynamicShared; at < arenaEnd(); at++) {
    if (*at != canary) return true;
  }
  return false;
}

bool isShared(const void *at) {
  auto *byte = static_cast<const unsigned char *>(at);
  return (byte >= fettle_dynamic_shared && byte < fettle_dynamic_shared + current->dynamicShared) ||
         (byte >= current->staticShared && byte < current->staticSharedEnd);
}

// Counted from the beginning of the arena, which is 256 KiB at most.
extern "C" unsigned fettle_shared_address(const void *at) {
  auto *byte = static_cast<const unsigned char *>(at);
  if (byte < fettle_dynamic_shared || byte > fettle_dynamic_shared + current->dynamicShared) {
    failThread(Fault::illegalAddress, "shared_address of %p, which is not in dynamic shared memory", at);
  }
  return static_cast<unsigned>(byte - (arenaEnd() - arenaBytes));
}

const unsigned char *atSharedAddress(unsigned address) { return arenaEnd() - arenaBytes + address; }

extern "C" void fettle_fence_for_products() { currentThread().unfenced = false; }

extern "C" void fettle_copy_async16(void *to, const void *from, bool valid) {
  if (!isShared(to)) failThread(Fault::illegalAddress, "copy_async16 to %p, which is not in shared memory", to);
  if (reinterpret_cast<uintptr_t>(to) % 16 != 0 || (valid && reinterpret_cast<uintptr_t>(from) % 16 != 0)) {
    failThread(Fault::misaligned, "copy_async16 from %p to %p: both must be multiples of 16", from, to);
  }
  PendingCopy copy = {to, from, valid};
  if (early) return copyNow(copy);
  auto &groups = currentThread().copies;
  if (groups.empty()) groups.emplace_back();
  groups.back().push_back(copy);
}

extern "C" void fettle_copy_async_commit() {
  auto &groups = currentThread().copies;
  if (groups.empty()) groups.emplace_back();
  groups.emplace_back();
}

extern "C" void fettle_copy_async_wait(int pending) {
  auto &groups = currentThread().copies;
  if (groups.empty()) return;
  size_t committed = groups.size() - 1, keep = static_cast<size_t>(pending);
  if (committed <= keep) return;
  for (size_t group = 0; group < committed - keep; group++) {
    if (!groups[group].empty()) currentThread().unfenced = true;
    for (const PendingCopy &copy : groups[group]) copyNow(copy);
  }
  groups.erase(groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(committed - keep));
}

void finishCopies(Thread &thread) {
  for (const auto &group : thread.copies) {
    for (const PendingCopy &copy : group) copyNow(copy);
  }
}
