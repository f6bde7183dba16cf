/** The functions of libcuda that are used, by our names; each returns a CUresult. */
import type { LibraryHandle } from "koffi";

export type DriverCall = (...args: unknown[]) => number;

export type DriverCalls = Readonly<Record<keyof typeof signatures, DriverCall>>;

/** One letter a parameter: p an array of ours, n a size, an address or a handle, s text, and the numbers of C. */
const kinds: Readonly<Record<string, string>> = {
  p: "void *",
  n: "uint64",
  s: "const char *",
  i: "int",
  u: "uint",
  b: "uint8",
};

const signatures = {
  init: ["cuInit", "u"],
  driverVersion: ["cuDriverGetVersion", "p"],
  deviceCount: ["cuDeviceGetCount", "p"],
  device: ["cuDeviceGet", "pi"],
  deviceName: ["cuDeviceGetName", "pii"],
  deviceMemory: ["cuDeviceTotalMem_v2", "pi"],
  attribute: ["cuDeviceGetAttribute", "pii"],
  retainContext: ["cuDevicePrimaryCtxRetain", "pi"],
  releaseContext: ["cuDevicePrimaryCtxRelease_v2", "i"],
  setContext: ["cuCtxSetCurrent", "n"],
  freeMemory: ["cuMemGetInfo_v2", "nn"],
  granularity: ["cuMemGetAllocationGranularity", "ppi"],
  reserveAddresses: ["cuMemAddressReserve", "pnnnn"],
  releaseAddresses: ["cuMemAddressFree", "nn"],
  createMemory: ["cuMemCreate", "pnpn"],
  releaseMemory: ["cuMemRelease", "n"],
  mapMemory: ["cuMemMap", "nnnnn"],
  setAccess: ["cuMemSetAccess", "nnpn"],
  unmap: ["cuMemUnmap", "nn"],
  allocatePinned: ["cuMemHostAlloc", "pnu"],
  freePinned: ["cuMemFreeHost", "n"],
  createStream: ["cuStreamCreate", "pu"],
  destroyStream: ["cuStreamDestroy_v2", "n"],
  synchronize: ["cuStreamSynchronize", "n"],
  query: ["cuStreamQuery", "n"],
  copyToDevice: ["cuMemcpyHtoDAsync_v2", "nnnn"],
  copyToHost: ["cuMemcpyDtoHAsync_v2", "nnnn"],
  copyOnDevice: ["cuMemcpyDtoDAsync_v2", "nnnn"],
  fill: ["cuMemsetD8Async", "nbnn"],
  createEvent: ["cuEventCreate", "pu"],
  destroyEvent: ["cuEventDestroy_v2", "n"],
  recordEvent: ["cuEventRecord", "nn"],
  waitForEvent: ["cuEventSynchronize", "n"],
  elapsed: ["cuEventElapsedTime", "pnn"],
  loadModule: ["cuModuleLoadData", "pp"],
  unloadModule: ["cuModuleUnload", "n"],
  functionOf: ["cuModuleGetFunction", "pns"],
  setFunctionAttribute: ["cuFuncSetAttribute", "nii"],
  launch: ["cuLaunchKernel", "nuuuuuuunnn"],
  errorName: ["cuGetErrorName", "ip"],
  errorText: ["cuGetErrorString", "ip"],
} as const;

/** @param library libcuda */
export function bindDriver(library: LibraryHandle): DriverCalls {
  const calls: Record<string, DriverCall> = {};
  for (const [name, [symbol, parameters]] of Object.entries(signatures)) {
    const types = [...parameters].map((letter) => kinds[letter]!);
    calls[name] = library.func(symbol, "int", types);
  }
  return calls as DriverCalls;
}
