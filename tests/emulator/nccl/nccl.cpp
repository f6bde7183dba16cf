// The emulated NCCL: processes of one machine, over shared memory. Every call has finished when it returns.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

// As in NVIDIA's nccl.h.
enum ncclResult_t { ncclSuccess = 0, ncclSystemError = 2, ncclInvalidArgument = 4, ncclInvalidUsage = 5 };
enum ncclDataType_t { ncclUint8 = 1, ncclInt32 = 2, ncclFloat32 = 7, ncclBfloat16 = 9 };
enum ncclRedOp_t { ncclSum = 0 };
struct ncclUniqueId {
  char internal[128];
};
struct ncclComm;
typedef ncclComm *ncclComm_t;
typedef void *cudaStream_t;

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

constexpr int maxRanks = 8;
constexpr size_t slotBytes = 1 << 20;

// All bytes are 0 at first. What a rank is about to do stands in `call`, so that ranks that differ are found out.
struct Shared {
  std::atomic<int> arrived, generation, joined;
  uint64_t call[maxRanks];
  unsigned char slots[maxRanks][slotBytes];
};

char lastError[256];
int groups;

ncclResult_t fail(ncclResult_t status, const char *text) {
  snprintf(lastError, sizeof lastError, "%s", text);
  return status;
}

size_t sizeOf(int type) {
  switch (type) {
  case ncclUint8: return 1;
  case ncclBfloat16: return 2;
  case ncclInt32:
  case ncclFloat32: return 4;
  default: return 0;
  }
}

float fromBf16(uint16_t value) {
  uint32_t bits = static_cast<uint32_t>(value) << 16;
  float number;
  memcpy(&number, &bits, sizeof number);
  return number;
}

uint16_t toBf16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

} // namespace

struct ncclComm {
  Shared *shared;
  int rank, size;
};

namespace {

void meet(ncclComm &comm) {
  Shared &s = *comm.shared;
  int generation = s.generation.load();
  if (s.arrived.fetch_add(1) + 1 == comm.size) {
    s.arrived.store(0);
    s.generation.fetch_add(1);
    return;
  }
  while (s.generation.load() == generation) sched_yield();
}

enum Kind { allReduce = 1, reduce = 2, broadcast = 3 };

ncclResult_t run(Kind kind, const void *in, void *out, size_t count, int type, int op, int root, ncclComm_t comm) {
  size_t size = sizeOf(type);
  if (comm == nullptr || size == 0 || op != ncclSum || root < 0 || root >= comm->size)
    return fail(ncclInvalidArgument, "an argument is not known");
  if (kind != broadcast && type != ncclFloat32 && type != ncclBfloat16)
    return fail(ncclInvalidArgument, "only floats are summed here");
  Shared &s = *comm->shared;
  s.call[comm->rank] = static_cast<uint64_t>(kind) << 56 ^ static_cast<uint64_t>(type) << 48 ^
                       static_cast<uint64_t>(root) << 40 ^ count;
  meet(*comm);
  for (int rank = 0; rank < comm->size; rank++) {
    if (s.call[rank] != s.call[comm->rank]) return fail(ncclInvalidUsage, "ranks call different collectives");
  }
  for (size_t at = 0; at < count * size; at += slotBytes) {
    size_t bytes = count * size - at < slotBytes ? count * size - at : slotBytes;
    memcpy(s.slots[comm->rank], static_cast<const char *>(in) + at, bytes);
    meet(*comm);
    char *to = static_cast<char *>(out) + at;
    if (kind == broadcast) memcpy(to, s.slots[root], bytes);
    else if (kind == allReduce || comm->rank == root) {
      for (size_t i = 0; i < bytes / size; i++) {
        float sum = 0;
        for (int rank = 0; rank < comm->size; rank++) {
          sum += type == ncclFloat32 ? reinterpret_cast<float *>(s.slots[rank])[i]
                                     : fromBf16(reinterpret_cast<uint16_t *>(s.slots[rank])[i]);
        }
        if (type == ncclFloat32) reinterpret_cast<float *>(to)[i] = sum;
        else reinterpret_cast<uint16_t *>(to)[i] = toBf16(sum);
      }
    }
    meet(*comm);
  }
  return ncclSuccess;
}

} // namespace

EXPORT ncclResult_t ncclGetVersion(int *version) {
  *version = 22700;
  return ncclSuccess;
}

EXPORT ncclResult_t ncclGetUniqueId(ncclUniqueId *id) {
  memset(id, 0, sizeof *id);
  // All 128 bytes must arrive: the name is told by the first and the last.
  snprintf(id->internal, 64, "/fettle-nccl-%d", static_cast<int>(getpid()));
  snprintf(id->internal + 64, 64, "%62d", static_cast<int>(getpid()));
  return ncclSuccess;
}

EXPORT ncclResult_t ncclCommInitRank(ncclComm_t *comm, int size, ncclUniqueId id, int rank) {
  char expected[64];
  snprintf(expected, sizeof expected, "/fettle-nccl-%d", atoi(id.internal + 64));
  if (size > maxRanks || rank < 0 || rank >= size || strcmp(expected, id.internal) != 0)
    return fail(ncclInvalidArgument, "the id or the rank is wrong");
  int file = shm_open(id.internal, O_RDWR | O_CREAT, 0600);
  if (file < 0 || ftruncate(file, sizeof(Shared)) != 0) return fail(ncclSystemError, "no shared memory");
  void *memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (memory == MAP_FAILED) return fail(ncclSystemError, "no shared memory");
  *comm = new ncclComm{static_cast<Shared *>(memory), rank, size};
  (*comm)->shared->joined.fetch_add(1);
  while ((*comm)->shared->joined.load() < size) sched_yield();
  if (rank == 0) shm_unlink(id.internal);
  return ncclSuccess;
}

EXPORT ncclResult_t ncclGroupStart() {
  groups++;
  return ncclSuccess;
}

EXPORT ncclResult_t ncclGroupEnd() {
  if (groups == 0) return fail(ncclInvalidUsage, "no group was begun");
  groups--;
  return ncclSuccess;
}

EXPORT ncclResult_t ncclAllReduce(const void *in, void *out, size_t count, ncclDataType_t type, ncclRedOp_t op,
                                  ncclComm_t comm, cudaStream_t) {
  return run(allReduce, in, out, count, type, op, 0, comm);
}

EXPORT ncclResult_t ncclReduce(const void *in, void *out, size_t count, ncclDataType_t type, ncclRedOp_t op, int root,
                               ncclComm_t comm, cudaStream_t) {
  return run(reduce, in, out, count, type, op, root, comm);
}

EXPORT ncclResult_t ncclBroadcast(const void *in, void *out, size_t count, ncclDataType_t type, int root,
                                  ncclComm_t comm, cudaStream_t) {
  return run(broadcast, in, out, count, type, ncclSum, root, comm);
}

EXPORT ncclResult_t ncclCommGetAsyncError(ncclComm_t, ncclResult_t *status) {
  *status = ncclSuccess;
  return ncclSuccess;
}

EXPORT ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  munmap(comm->shared, sizeof(Shared));
  delete comm;
  return ncclSuccess;
}

EXPORT ncclResult_t ncclCommAbort(ncclComm_t comm) { return ncclCommDestroy(comm); }

EXPORT const char *ncclGetErrorString(ncclResult_t status) {
  return status == ncclInvalidArgument ? "invalid argument" : status == ncclSuccess ? "no error" : "unhandled error";
}

EXPORT const char *ncclGetLastError(ncclComm_t) { return lastError; }
