// Modules (shared libraries that the emulated NVRTC has made), their functions and launches.
#include "../threads/block.h"
#include "driver.h"

#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <list>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

struct Function {
  const FettleKernel *kernel;
  const FettleModule *module;
  int maxDynamicShared;
};

struct Module {
  int file;
  void *library;
  const FettleModule *contents;
  std::list<Function> functions;
};

namespace {

constexpr int maxThreadsPerBlock = 0, sharedSizeBytes = 1, numberOfRegisters = 4, binaryVersion = 6,
              maxDynamicSharedBytes = 8;

// Modules come without their size: an ELF file ends with its table of sections.
size_t sizeOfImage(const void *image) {
  auto *header = static_cast<const Elf64_Ehdr *>(image);
  if (std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_machine != EM_X86_64) return 0;
  return header->e_shoff + size_t(header->e_shnum) * header->e_shentsize;
}

// The image as a file in memory, or -1. The loader knows libraries by their paths, so it stays open while it is loaded.
int fileOf(const void *image, size_t bytes) {
  int file = memfd_create("fettle-emulated-module", MFD_CLOEXEC);
  if (file >= 0 && write(file, image, bytes) == static_cast<ssize_t>(bytes)) return file;
  if (file >= 0) close(file);
  return -1;
}

int staticShared(const FettleModule &module) { return static_cast<int>(module.staticSharedEnd - module.staticShared); }

int launchBound(const FettleKernel &kernel) { return kernel.launchBound == 0 ? maxThreads : kernel.launchBound; }

// Marks in cuLaunchKernel's `extra`, in place of an array of pointers: CU_LAUNCH_PARAM_END, ..._BUFFER_POINTER,
// ..._SIZE.
void *const endOfExtra = reinterpret_cast<void *>(0), *const bufferPointer = reinterpret_cast<void *>(1),
            *const bufferSize = reinterpret_cast<void *>(2);

bool pointersIntoBuffer(const FettleKernel &kernel, void **extra, void **arguments) {
  char *buffer = nullptr;
  size_t bytes = 0;
  for (; *extra != endOfExtra; extra += 2) {
    if (*extra == bufferPointer) buffer = static_cast<char *>(extra[1]);
    else if (*extra == bufferSize) bytes = *static_cast<size_t *>(extra[1]);
    else return false;
  }
  size_t offset = 0;
  for (int i = 0; i < kernel.parameters; i++) {
    // Parameters are numbers and pointers, aligned to their sizes.
    auto size = static_cast<size_t>(kernel.parameterSizes[i]);
    offset = (offset + size - 1) / size * size;
    arguments[i] = buffer + offset;
    offset += size;
  }
  return buffer != nullptr && offset <= bytes;
}

} // namespace

EXPORT CUresult cuModuleLoadData(CUmodule *module, const void *image) {
  NEED_CONTEXT();
  size_t bytes = sizeOfImage(image);
  int file = bytes == 0 ? -1 : fileOf(image, bytes);
  if (file < 0) return CUDA_ERROR_INVALID_IMAGE;
  void *library = dlopen(("/proc/self/fd/" + std::to_string(file)).c_str(), RTLD_NOW | RTLD_LOCAL);
  void *contents = library == nullptr ? nullptr : dlsym(library, "fettle_module");
  if (contents == nullptr) {
    std::fprintf(stderr, "emulator: a module does not load: %s\n", dlerror());
    if (library != nullptr) dlclose(library);
    close(file);
    return CUDA_ERROR_INVALID_IMAGE;
  }
  *module = new Module{file, library, static_cast<const FettleModule *>(contents), {}};
  return CUDA_SUCCESS;
}

EXPORT CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned, const int *, void **) {
  return cuModuleLoadData(module, image);
}

EXPORT CUresult cuModuleUnload(CUmodule module) {
  NEED_CONTEXT();
  if (module == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  dlclose(module->library);
  close(module->file);
  delete module;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
  NEED_CONTEXT();
  if (module == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  for (const FettleKernel *kernel = module->contents->kernels; kernel->name != nullptr; kernel++) {
    if (std::strcmp(kernel->name, name) != 0) continue;
    module->functions.push_back({kernel, module->contents, sharedPerBlock});
    *function = &module->functions.back();
    return CUDA_SUCCESS;
  }
  return CUDA_ERROR_NOT_FOUND;
}

EXPORT CUresult cuFuncSetAttribute(CUfunction function, int attribute, int value) {
  NEED_CONTEXT();
  if (function == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  if (attribute == maxDynamicSharedBytes) {
    if (value < 0 || value + staticShared(*function->module) > sharedPerBlockOptIn) return CUDA_ERROR_INVALID_VALUE;
    function->maxDynamicShared = value;
  }
  return CUDA_SUCCESS;
}

EXPORT CUresult cuFuncGetAttribute(int *value, int attribute, CUfunction function) {
  NEED_CONTEXT();
  if (function == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  switch (attribute) {
    case maxThreadsPerBlock: *value = launchBound(*function->kernel); break;
    case sharedSizeBytes: *value = staticShared(*function->module); break;
    case numberOfRegisters: *value = 32; break;
    case binaryVersion: *value = 90; break;
    case maxDynamicSharedBytes: *value = function->maxDynamicShared; break;
    default: *value = 0;
  }
  return CUDA_SUCCESS;
}

EXPORT CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction function, int threads,
                                                            size_t shared) {
  NEED_CONTEXT();
  if (function == nullptr || threads <= 0) return CUDA_ERROR_INVALID_VALUE;
  *blocks = shared > static_cast<size_t>(function->maxDynamicShared) ? 0 : 2048 / threads;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                               unsigned blockY, unsigned blockZ, unsigned shared, CUstream, void **parameters,
                               void **extra) {
  NEED_CONTEXT();
  if (function == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  const FettleKernel &kernel = *function->kernel;
  uint64_t threads = uint64_t(blockX) * blockY * blockZ;
  if (gridX == 0 || gridY == 0 || gridZ == 0 || threads == 0) return CUDA_ERROR_INVALID_VALUE;
  if (gridX > 0x7fffffffu || gridY > 65535 || gridZ > 65535 || blockZ > 64) return CUDA_ERROR_INVALID_VALUE;
  if (threads > maxThreads || shared > static_cast<unsigned>(function->maxDynamicShared))
    return CUDA_ERROR_INVALID_VALUE;
  if (threads > static_cast<uint64_t>(launchBound(kernel))) return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
  std::vector<void *> arguments(static_cast<size_t>(kernel.parameters));
  if (parameters != nullptr) arguments.assign(parameters, parameters + kernel.parameters);
  else if (extra == nullptr || !pointersIntoBuffer(kernel, extra, arguments.data())) {
    if (kernel.parameters > 0) return CUDA_ERROR_INVALID_VALUE;
  }
  const FettleModule &module = *function->module;
  Launch launch = {
      kernel.name, kernel.call,         arguments.data(),      {gridX, gridY, gridZ}, {blockX, blockY, blockZ},
      shared,      module.staticShared, module.staticSharedEnd};
  static const bool skip = std::getenv("FETTLE_EMULATOR_SKIP") != nullptr;
  return skip ? CUDA_SUCCESS : static_cast<CUresult>(runLaunch(launch));
}
