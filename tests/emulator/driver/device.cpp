// The one device, its properties and its context.
#include "../threads/block.h"
#include "driver.h"

#include <cstdio>
#include <cstring>

struct Context {};

namespace {

bool initialized;
Context primary;
int retained;
thread_local Context *current;

struct ErrorText {
  CUresult code;
  const char *name, *text;
};

#define ERROR(name, text) {name, #name, text}
constexpr ErrorText errors[] = {
    ERROR(CUDA_SUCCESS, "no error"),
    ERROR(CUDA_ERROR_INVALID_VALUE, "invalid argument"),
    ERROR(CUDA_ERROR_OUT_OF_MEMORY, "out of memory"),
    ERROR(CUDA_ERROR_NOT_INITIALIZED, "initialization error"),
    ERROR(CUDA_ERROR_INVALID_DEVICE, "invalid device ordinal"),
    ERROR(CUDA_ERROR_INVALID_IMAGE, "device kernel image is invalid"),
    ERROR(CUDA_ERROR_INVALID_CONTEXT, "invalid device context"),
    ERROR(CUDA_ERROR_INVALID_HANDLE, "invalid resource handle"),
    ERROR(CUDA_ERROR_NOT_FOUND, "named symbol not found"),
    ERROR(CUDA_ERROR_ILLEGAL_ADDRESS, "an illegal memory access was encountered"),
    ERROR(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "too many resources requested for launch"),
    ERROR(CUDA_ERROR_MISALIGNED_ADDRESS, "misaligned address"),
    ERROR(CUDA_ERROR_LAUNCH_FAILED, "unspecified launch failure"),
    ERROR(CUDA_ERROR_NOT_SUPPORTED, "operation not supported"),
};
#undef ERROR

const ErrorText *find(CUresult code) {
  for (const ErrorText &error : errors) {
    if (error.code == code) return &error;
  }
  return nullptr;
}

struct Attribute {
  int code, value;
};

// Codes of CU_DEVICE_ATTRIBUTE_ in cuda.h.
constexpr Attribute attributes[] = {
    {1, 1024},                 // MAX_THREADS_PER_BLOCK
    {2, 1024},                 // MAX_BLOCK_DIM_X
    {3, 1024},                 // MAX_BLOCK_DIM_Y
    {4, 64},                   // MAX_BLOCK_DIM_Z
    {5, 2147483647},           // MAX_GRID_DIM_X
    {6, 65535},                // MAX_GRID_DIM_Y
    {7, 65535},                // MAX_GRID_DIM_Z
    {8, sharedPerBlock},       // MAX_SHARED_MEMORY_PER_BLOCK
    {10, 32},                  // WARP_SIZE
    {12, 65536},               // MAX_REGISTERS_PER_BLOCK
    {13, 1000000},             // CLOCK_RATE
    {16, 4},                   // MULTIPROCESSOR_COUNT
    {18, 0},                   // INTEGRATED
    {19, 1},                   // CAN_MAP_HOST_MEMORY
    {31, 1},                   // CONCURRENT_KERNELS
    {36, 1000000},             // MEMORY_CLOCK_RATE
    {37, 1024},                // GLOBAL_MEMORY_BUS_WIDTH
    {38, 4 << 20},             // L2_CACHE_SIZE
    {39, 2048},                // MAX_THREADS_PER_MULTIPROCESSOR
    {41, 1},                   // UNIFIED_ADDRESSING
    {75, 9},                   // COMPUTE_CAPABILITY_MAJOR
    {76, 0},                   // COMPUTE_CAPABILITY_MINOR
    {81, 233472},              // MAX_SHARED_MEMORY_PER_MULTIPROCESSOR
    {82, 65536},               // MAX_REGISTERS_PER_MULTIPROCESSOR
    {97, sharedPerBlockOptIn}, // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
    {102, 1},                  // VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED
    {106, 32},                 // MAX_BLOCKS_PER_MULTIPROCESSOR
    {115, 0},                  // MEMORY_POOLS_SUPPORTED
};

} // namespace

CUresult needContext() {
  if (!initialized) return CUDA_ERROR_NOT_INITIALIZED;
  return current == nullptr ? CUDA_ERROR_INVALID_CONTEXT : CUDA_SUCCESS;
}

EXPORT CUresult cuInit(unsigned flags) {
  if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
  initialized = true;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDriverGetVersion(int *version) {
  *version = 13000;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGetErrorName(CUresult code, const char **name) {
  const ErrorText *error = find(code);
  *name = error == nullptr ? nullptr : error->name;
  return error == nullptr ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

EXPORT CUresult cuGetErrorString(CUresult code, const char **text) {
  const ErrorText *error = find(code);
  // Faults of kernels are explained, as no GPU could.
  bool ofKernel =
      code == CUDA_ERROR_ILLEGAL_ADDRESS || code == CUDA_ERROR_MISALIGNED_ADDRESS || code == CUDA_ERROR_LAUNCH_FAILED;
  *text = error == nullptr ? nullptr : ofKernel && *lastFault() != 0 ? lastFault() : error->text;
  return error == nullptr ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetCount(int *count) {
  if (!initialized) return CUDA_ERROR_NOT_INITIALIZED;
  *count = 1;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  if (!initialized) return CUDA_ERROR_NOT_INITIALIZED;
  if (ordinal != 0) return CUDA_ERROR_INVALID_DEVICE;
  *device = 0;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
  if (device != 0) return CUDA_ERROR_INVALID_DEVICE;
  std::snprintf(name, static_cast<size_t>(length), "Emulated GPU");
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
  if (device != 0) return CUDA_ERROR_INVALID_DEVICE;
  *bytes = totalMemory();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetAttribute(int *value, int wanted, CUdevice device) {
  if (device != 0) return CUDA_ERROR_INVALID_DEVICE;
  for (const Attribute &attribute : attributes) {
    if (attribute.code != wanted) continue;
    *value = attribute.value;
    return CUDA_SUCCESS;
  }
  return CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuDeviceGetUuid_v2(unsigned char *uuid, CUdevice device) {
  if (device != 0) return CUDA_ERROR_INVALID_DEVICE;
  std::memcpy(uuid, "fettle-emulator", 16);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  if (!initialized) return CUDA_ERROR_NOT_INITIALIZED;
  if (device != 0) return CUDA_ERROR_INVALID_DEVICE;
  retained++;
  *context = &primary;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  if (device != 0) return CUDA_ERROR_INVALID_DEVICE;
  if (retained == 0) return CUDA_ERROR_INVALID_CONTEXT;
  retained--;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxSetCurrent(CUcontext context) {
  if (!initialized) return CUDA_ERROR_NOT_INITIALIZED;
  if (context != nullptr && (context != &primary || retained == 0)) return CUDA_ERROR_INVALID_CONTEXT;
  current = context;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetCurrent(CUcontext *context) {
  if (!initialized) return CUDA_ERROR_NOT_INITIALIZED;
  *context = current;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxSynchronize() {
  NEED_CONTEXT();
  return CUDA_SUCCESS;
}
