// What the files of the emulated driver share.
#pragma once
#include <cstddef>
#include <cstdint>

// As in NVIDIA's cuda.h.
enum CUresult {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NOT_INITIALIZED = 3,
  CUDA_ERROR_INVALID_DEVICE = 101,
  CUDA_ERROR_INVALID_IMAGE = 200,
  CUDA_ERROR_INVALID_CONTEXT = 201,
  CUDA_ERROR_INVALID_HANDLE = 400,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_ILLEGAL_ADDRESS = 700,
  CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701,
  CUDA_ERROR_MISALIGNED_ADDRESS = 716,
  CUDA_ERROR_LAUNCH_FAILED = 719,
  CUDA_ERROR_NOT_SUPPORTED = 801,
};

typedef uint64_t CUdeviceptr;
typedef int CUdevice;
typedef struct Context *CUcontext;
typedef struct Stream *CUstream;
typedef struct Event *CUevent;
typedef struct Module *CUmodule;
typedef struct Function *CUfunction;

#define EXPORT extern "C" __attribute__((visibility("default")))

// CUDA_SUCCESS where the calling thread has made a context current, as most functions need.
CUresult needContext();

#define NEED_CONTEXT()                                                                                                 \
  if (CUresult missing = needContext()) return missing

// Bytes of dynamic shared memory: without and with asking for more by cuFuncSetAttribute.
constexpr int sharedPerBlock = 48 << 10, sharedPerBlockOptIn = 232448;

size_t totalMemory();

// Whether all bytes are device memory that may be accessed (or registered host memory).
bool isDeviceMemory(CUdeviceptr at, size_t bytes);
