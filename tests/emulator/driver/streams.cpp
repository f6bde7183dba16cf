// Streams, events and what is put into them: all of it is done at once.
#include "driver.h"

#include <chrono>
#include <cstdlib>
#include <cstring>

struct Stream {};
struct Event {
  bool recorded;
  std::chrono::steady_clock::time_point at;
};

EXPORT CUresult cuStreamCreate(CUstream *stream, unsigned) {
  NEED_CONTEXT();
  *stream = new Stream;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamSynchronize(CUstream) {
  NEED_CONTEXT();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamQuery(CUstream) {
  NEED_CONTEXT();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamWaitEvent(CUstream, CUevent event, unsigned) {
  NEED_CONTEXT();
  return event == nullptr ? CUDA_ERROR_INVALID_HANDLE : CUDA_SUCCESS;
}

EXPORT CUresult cuStreamDestroy_v2(CUstream stream) {
  NEED_CONTEXT();
  if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  delete stream;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuEventCreate(CUevent *event, unsigned) {
  NEED_CONTEXT();
  *event = new Event{};
  return CUDA_SUCCESS;
}

EXPORT CUresult cuEventRecord(CUevent event, CUstream) {
  NEED_CONTEXT();
  if (event == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  *event = {true, std::chrono::steady_clock::now()};
  return CUDA_SUCCESS;
}

EXPORT CUresult cuEventQuery(CUevent event) {
  NEED_CONTEXT();
  return event == nullptr ? CUDA_ERROR_INVALID_HANDLE : CUDA_SUCCESS;
}

EXPORT CUresult cuEventSynchronize(CUevent event) { return cuEventQuery(event); }

EXPORT CUresult cuEventElapsedTime(float *milliseconds, CUevent start, CUevent end) {
  NEED_CONTEXT();
  if (start == nullptr || end == nullptr || !start->recorded || !end->recorded) return CUDA_ERROR_INVALID_HANDLE;
  *milliseconds = std::chrono::duration<float, std::milli>(end->at - start->at).count();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuEventElapsedTime_v2(float *milliseconds, CUevent start, CUevent end) {
  return cuEventElapsedTime(milliseconds, start, end);
}

EXPORT CUresult cuEventDestroy_v2(CUevent event) {
  NEED_CONTEXT();
  if (event == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  delete event;
  return CUDA_SUCCESS;
}

// ---- copies --------------------------------------------------------------------------------------------------------

namespace {

void *asHost(CUdeviceptr at) { return reinterpret_cast<void *>(at); }

} // namespace

EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream) {
  NEED_CONTEXT();
  if (!isDeviceMemory(to, bytes)) return CUDA_ERROR_INVALID_VALUE;
  std::memcpy(asHost(to), from, bytes);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream) {
  NEED_CONTEXT();
  if (!isDeviceMemory(from, bytes)) return CUDA_ERROR_INVALID_VALUE;
  std::memcpy(to, asHost(from), bytes);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream) {
  NEED_CONTEXT();
  if (!isDeviceMemory(to, bytes) || !isDeviceMemory(from, bytes)) return CUDA_ERROR_INVALID_VALUE;
  std::memmove(asHost(to), asHost(from), bytes);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
  return cuMemcpyHtoDAsync_v2(to, from, bytes, nullptr);
}

EXPORT CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
  return cuMemcpyDtoHAsync_v2(to, from, bytes, nullptr);
}

EXPORT CUresult cuMemsetD8Async(CUdeviceptr at, unsigned char value, size_t bytes, CUstream) {
  NEED_CONTEXT();
  if (!isDeviceMemory(at, bytes)) return CUDA_ERROR_INVALID_VALUE;
  std::memset(asHost(at), value, bytes);
  return CUDA_SUCCESS;
}

// ---- host memory that the device can reach: here, all of it --------------------------------------------------------

EXPORT CUresult cuMemHostRegister_v2(void *at, size_t bytes, unsigned) {
  NEED_CONTEXT();
  return at == nullptr || bytes == 0 ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

EXPORT CUresult cuMemHostUnregister(void *at) {
  NEED_CONTEXT();
  return at == nullptr ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

EXPORT CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *device, void *host, unsigned) {
  NEED_CONTEXT();
  *device = reinterpret_cast<CUdeviceptr>(host);
  return CUDA_SUCCESS;
}
