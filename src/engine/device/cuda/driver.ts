/** The functions of the CUDA driver (libcuda) that the device uses, through koffi. Addresses and handles are numbers. */
import koffi, { type LibraryHandle } from "koffi";
import { bindDriver, type DriverCall, type DriverCalls } from "./driver-calls.ts";

/** CUresult values that are told apart. */
export const driverStatus = {
  outOfMemory: 2,
  noDevice: 100,
  notReady: 600,
  driverMismatch: 803,
} as const;

/** CUdevice_attribute values. */
export const deviceAttribute = {
  multiprocessors: 16,
  major: 75,
  minor: 76,
  sharedPerBlock: 97,
  virtualMemory: 102,
} as const;

const FUNC_MAX_DYNAMIC_SHARED = 8;
/** cuMemAllocationProp: pinned memory of a device; the rest of its 32 bytes is 0. */
const MEMORY_PINNED = 1;
const LOCATION_DEVICE = 1;
const ACCESS_READ_WRITE = 3;

/** A call that the driver refused. `status` is a CUresult, `statusName` such as `CUDA_ERROR_ILLEGAL_ADDRESS`. */
export class DriverError extends Error {
  readonly status: number;
  readonly statusName: string;

  constructor(call: string, status: number, statusName: string, explanation: string) {
    super(`${call}: ${statusName}${explanation}`);
    this.name = "DriverError";
    this.status = status;
    this.statusName = statusName;
  }
}

export interface FreeMemory {
  readonly free: number;
  readonly total: number;
}

export class Driver {
  /** The kernel launched last, for errors that show later: launches are asynchronous, and so are their failures. */
  lastKernel: string | undefined = undefined;
  readonly #calls: DriverCalls;
  /** What calls write numbers to. */
  readonly #out = new BigUint64Array(2);

  /** @param library libcuda */
  constructor(library: LibraryHandle) {
    this.#calls = bindDriver(library);
  }

  /** `cuInit`. @throws DriverError, with `noDevice` where the driver is there and no GPU is */
  initialize(): void {
    this.#check("cuInit", this.#calls.init(0));
  }

  /** 13000 for a driver that knows CUDA 13.0. */
  version(): number {
    const version = new Int32Array(1);
    this.#check("cuDriverGetVersion", this.#calls.driverVersion(version));
    return version[0]!;
  }

  deviceCount(): number {
    const count = new Int32Array(1);
    this.#check("cuDeviceGetCount", this.#calls.deviceCount(count));
    return count[0]!;
  }

  device(index: number): number {
    const device = new Int32Array(1);
    this.#check("cuDeviceGet", this.#calls.device(device, index));
    return device[0]!;
  }

  deviceName(device: number): string {
    const name = Buffer.alloc(256);
    this.#check("cuDeviceGetName", this.#calls.deviceName(name, name.length, device));
    return name.toString("utf8", 0, name.indexOf(0));
  }

  deviceMemory(device: number): number {
    this.#check("cuDeviceTotalMem", this.#calls.deviceMemory(this.#out, device));
    return Number(this.#out[0]);
  }

  attribute(attribute: number, device: number): number {
    const value = new Int32Array(1);
    this.#check("cuDeviceGetAttribute", this.#calls.attribute(value, attribute, device));
    return value[0]!;
  }

  /** Makes the device's primary context, which other libraries share, the current one of this thread. */
  retainContext(device: number): void {
    this.#check("cuDevicePrimaryCtxRetain", this.#calls.retainContext(this.#out, device));
    this.#check("cuCtxSetCurrent", this.#calls.setContext(Number(this.#out[0])));
  }

  releaseContext(device: number): void {
    this.#check("cuDevicePrimaryCtxRelease", this.#calls.releaseContext(device));
  }

  freeMemory(): FreeMemory {
    const sizes = new BigUint64Array(2);
    const address = Number(koffi.address(sizes.buffer));
    this.#check("cuMemGetInfo", this.#calls.freeMemory(address, address + 8));
    return { free: Number(sizes[0]), total: Number(sizes[1]) };
  }

  // ---- virtual memory ----------------------------------------------------------------------------------------------

  /** Bytes that memory is mapped in multiples of. */
  granularity(device: number): number {
    this.#check("cuMemGetAllocationGranularity", this.#calls.granularity(this.#out, memoryOn(device), 0));
    return Number(this.#out[0]);
  }

  reserveAddresses(bytes: number): number {
    this.#check("cuMemAddressReserve", this.#calls.reserveAddresses(this.#out, bytes, 0, 0, 0));
    return Number(this.#out[0]);
  }

  releaseAddresses(address: number, bytes: number): void {
    this.#check("cuMemAddressFree", this.#calls.releaseAddresses(address, bytes));
  }

  /**
   * Puts fresh memory of the device under reserved addresses, readable and writable.
   * @returns false when the device has no more
   */
  map(address: number, bytes: number, device: number): boolean {
    const status = this.#calls.createMemory(this.#out, bytes, memoryOn(device), 0);
    if (status === driverStatus.outOfMemory) return false;
    this.#check("cuMemCreate", status);
    const handle = Number(this.#out[0]);
    const mapped = this.#calls.mapMemory(address, bytes, 0, handle, 0);
    // The mapping keeps the memory alive: it goes when it is unmapped.
    this.#check("cuMemRelease", this.#calls.releaseMemory(handle));
    this.#check("cuMemMap", mapped);
    const access = Int32Array.of(LOCATION_DEVICE, device, ACCESS_READ_WRITE);
    this.#check("cuMemSetAccess", this.#calls.setAccess(address, bytes, access, 1));
    return true;
  }

  unmap(address: number, bytes: number): void {
    this.#check("cuMemUnmap", this.#calls.unmap(address, bytes));
  }

  // ---- memory of the host that the device reads and writes at full speed -------------------------------------------

  allocatePinned(bytes: number): number {
    this.#check("cuMemHostAlloc", this.#calls.allocatePinned(this.#out, bytes, 0));
    return Number(this.#out[0]);
  }

  freePinned(address: number): void {
    this.#check("cuMemFreeHost", this.#calls.freePinned(address));
  }

  // ---- work of a stream, all asynchronous --------------------------------------------------------------------------

  /** A stream that does not wait for the default one. */
  createStream(): number {
    this.#check("cuStreamCreate", this.#calls.createStream(this.#out, 1));
    return Number(this.#out[0]);
  }

  destroyStream(stream: number): void {
    this.#check("cuStreamDestroy", this.#calls.destroyStream(stream));
  }

  synchronize(stream: number): void {
    this.#check("cuStreamSynchronize", this.#calls.synchronize(stream));
  }

  /** Whether all that was launched has finished. */
  isIdle(stream: number): boolean {
    const status = this.#calls.query(stream);
    if (status === driverStatus.notReady) return false;
    this.#check("cuStreamQuery", status);
    return true;
  }

  copyToDevice(to: number, from: number, bytes: number, stream: number): void {
    this.#check("cuMemcpyHtoDAsync", this.#calls.copyToDevice(to, from, bytes, stream));
  }

  copyToHost(to: number, from: number, bytes: number, stream: number): void {
    this.#check("cuMemcpyDtoHAsync", this.#calls.copyToHost(to, from, bytes, stream));
  }

  copyOnDevice(to: number, from: number, bytes: number, stream: number): void {
    this.#check("cuMemcpyDtoDAsync", this.#calls.copyOnDevice(to, from, bytes, stream));
  }

  zero(at: number, bytes: number, stream: number): void {
    this.#check("cuMemsetD8Async", this.#calls.fill(at, 0, bytes, stream));
  }

  // ---- events ------------------------------------------------------------------------------------------------------

  createEvent(): number {
    this.#check("cuEventCreate", this.#calls.createEvent(this.#out, 0));
    return Number(this.#out[0]);
  }

  destroyEvent(event: number): void {
    this.#check("cuEventDestroy", this.#calls.destroyEvent(event));
  }

  recordEvent(event: number, stream: number): void {
    this.#check("cuEventRecord", this.#calls.recordEvent(event, stream));
  }

  /** Returns when the work before the event's record has finished; at once where it was never recorded. */
  waitForEvent(event: number): void {
    this.#check("cuEventSynchronize", this.#calls.waitForEvent(event));
  }

  /** Milliseconds between two events that have both passed. */
  elapsed(from: number, to: number): number {
    const milliseconds = new Float32Array(1);
    this.#check("cuEventElapsedTime", this.#calls.elapsed(milliseconds, from, to));
    return milliseconds[0]!;
  }

  // ---- code --------------------------------------------------------------------------------------------------------

  loadModule(image: Uint8Array): number {
    this.#check("cuModuleLoadData", this.#calls.loadModule(this.#out, image));
    return Number(this.#out[0]);
  }

  unloadModule(module: number): void {
    this.#check("cuModuleUnload", this.#calls.unloadModule(module));
  }

  functionOf(module: number, name: string): number {
    this.#check(`cuModuleGetFunction ${name}`, this.#calls.functionOf(this.#out, module, name));
    return Number(this.#out[0]);
  }

  /** Lets blocks of a function have more dynamic shared memory than the 48 KB that all may. */
  allowShared(func: number, bytes: number): void {
    this.#check("cuFuncSetAttribute", this.#calls.setFunctionAttribute(func, FUNC_MAX_DYNAMIC_SHARED, bytes));
  }

  /** @param args address of an array with the addresses of the arguments; they are copied before this returns */
  launch(
    func: number,
    name: string,
    x: number,
    y: number,
    z: number,
    block: number,
    shared: number,
    stream: number,
    args: number,
  ): void {
    const status = this.#calls.launch(func, x, y, z, block, 1, 1, shared, stream, args, 0);
    if (status !== 0) throw this.error(`launch of ${name} (${x}, ${y}, ${z} blocks of ${block}, ${shared} B)`, status);
    this.lastKernel = name;
  }

  /** The error for a status of any function of the driver. */
  error(call: string, status: number): DriverError {
    const name = this.#text(this.#calls.errorName, status) ?? `CUDA error ${status}`;
    const text = this.#text(this.#calls.errorText, status);
    const explanation = text === undefined ? "" : ` (${text})`;
    const last = this.lastKernel === undefined ? "" : `; the kernel launched last was ${this.lastKernel}`;
    return new DriverError(call, status, name, explanation + last);
  }

  #check(call: string, status: number): void {
    if (status !== 0) throw this.error(call, status);
  }

  #text(call: DriverCall, status: number): string | undefined {
    if (call(status, this.#out) !== 0 || this.#out[0] === 0n) return undefined;
    return koffi.decode.string(this.#out[0]);
  }
}

/** CUmemAllocationProp { type, handle types, { location type, device }, … } */
function memoryOn(device: number): Int32Array {
  return Int32Array.of(MEMORY_PINNED, 0, LOCATION_DEVICE, device, 0, 0, 0, 0);
}
