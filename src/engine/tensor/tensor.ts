/**
 * A tensor is a shape and a dtype over a range of a device's memory. It carries data only: what can be done with it are
 * functions (`ops/`), who frees it is the scope it was made in (`scope.ts`), what its gradient is the tape (`tape.ts`).
 */
import { type BufferView, type Device, type DeviceBuffer, type DType, dtypeBytes } from "../device/device.ts";
import { adopt } from "./scope.ts";
import { type Place, Storage } from "./storage.ts";

export type Shape = readonly number[];

export class Tensor implements BufferView {
  readonly storage: Storage;
  readonly shape: Shape;
  readonly dtype: DType;
  /** In bytes from the start of the storage. */
  readonly offset: number;
  readonly length: number;
  /** A parameter: its gradient is accumulated into `gradient`, in its own dtype, by the kernels themselves. */
  trainable = false;
  gradient: Tensor | undefined = undefined;
  /** The same values in bf16, where products need them; see `working-copy.ts`. */
  rounded: Tensor | undefined = undefined;

  constructor(storage: Storage, shape: Shape, dtype: DType, offset = 0) {
    this.storage = storage;
    this.shape = shape;
    this.dtype = dtype;
    this.offset = offset;
    this.length = elementCount(shape);
  }

  get device(): Device {
    return this.storage.device;
  }

  get buffer(): DeviceBuffer {
    return this.storage.buffer;
  }
}

export function elementCount(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Length of the last axis. */
export function lastAxis(x: Tensor): number {
  return x.shape[x.shape.length - 1] ?? 1;
}

/** Number of rows when all axes but the last are taken together. */
export function rowCount(x: Tensor): number {
  const width = lastAxis(x);
  return width === 0 ? 0 : x.length / width;
}

/** @throws Error (a bug of ours, not the user's) naming the op, the shape wanted and the one given. */
export function expectShape(what: string, x: Tensor, shape: Shape): void {
  if (x.shape.length !== shape.length || x.shape.some((size, axis) => size !== shape[axis])) {
    throw new Error(`${what}: expected shape [${shape}], got [${x.shape}]`);
  }
}

/** Uninitialised memory, freed with the current scope (or by `release`, where there is none). */
export function empty(device: Device, shape: Shape, dtype: DType = "f32", place: Place = "device"): Tensor {
  const tensor = new Tensor(new Storage(device, elementCount(shape) * dtypeBytes[dtype], place), shape, dtype);
  adopt(tensor.storage);
  return tensor;
}

export function zeros(device: Device, shape: Shape, dtype: DType = "f32", place: Place = "device"): Tensor {
  const tensor = empty(device, shape, dtype, place);
  device.zero(tensor);
  return tensor;
}

export type HostArray = Float32Array | Int32Array | Uint8Array | Uint16Array;

/** Copies host values to the device; a `Uint16Array` holds bf16 bits. */
export function fromHost(device: Device, values: HostArray, shape: Shape = [values.length]): Tensor {
  const dtype: DType =
    values instanceof Float32Array
      ? "f32"
      : values instanceof Int32Array
        ? "i32"
        : values instanceof Uint16Array
          ? "bf16"
          : "u8";
  if (elementCount(shape) !== values.length) throw new Error(`${values.length} values do not fill [${shape}]`);
  const tensor = empty(device, shape, dtype);
  device.write(tensor, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return tensor;
}

/** The bytes of a tensor, little-endian, in its own dtype. */
export function toBytes(x: Tensor): Uint8Array {
  const bytes = new Uint8Array(x.length * dtypeBytes[x.dtype]);
  x.device.read(x, bytes);
  return bytes;
}

/** Values of an f32 tensor. */
export function toFloats(x: Tensor): Float32Array {
  if (x.dtype !== "f32") throw new Error(`toFloats: the tensor is ${x.dtype}`);
  return new Float32Array(toBytes(x).buffer);
}

/** The same elements under another shape; no copy, no gradient rule (see ops/reshape). */
export function view(x: Tensor, shape: Shape): Tensor {
  if (elementCount(shape) !== x.length) throw new Error(`view: [${x.shape}] has no shape [${shape}]`);
  return new Tensor(x.storage, shape, x.dtype, x.offset);
}

/** Rows begin..end of the first axis; no copy, no gradient rule. */
export function rows(x: Tensor, begin: number, end: number): Tensor {
  const count = x.shape[0] ?? 1;
  const stride = count === 0 ? 0 : x.length / count;
  const offset = x.offset + begin * stride * dtypeBytes[x.dtype];
  return new Tensor(x.storage, [end - begin, ...x.shape.slice(1)], x.dtype, offset);
}

/** Whether x begins where the other ends, in one storage and dtype. */
export function follows({ storage, dtype, offset }: Tensor, before: Tensor): boolean {
  const end = before.offset + before.length * dtypeBytes[before.dtype];
  return storage === before.storage && dtype === before.dtype && offset === end;
}

/** Tensors that follow each other as one, along the first axis; undefined where they do not. */
export function joined(parts: readonly Tensor[]): Tensor | undefined {
  const [first] = parts;
  if (first === undefined || parts.length === 1) return first;
  const [, ...inner] = first.shape;
  const fits = parts.every((part, i) => {
    const before = parts[i - 1];
    return before === undefined || (follows(part, before) && part.shape.slice(1).join() === inner.join());
  });
  if (!fits) return undefined;
  const count = parts.reduce((sum, { shape }) => sum + (shape[0] ?? 1), 0);
  return new Tensor(first.storage, [count, ...inner], first.dtype, first.offset);
}

/** Uninitialised tensors that follow each other in one storage, which is freed with the last; they belong to the caller. */
export function consecutive(device: Device, shapes: readonly Shape[], dtype: DType = "f32"): Tensor[] {
  const sizes = shapes.map((shape) => elementCount(shape) * dtypeBytes[dtype]);
  const storage = new Storage(
    device,
    sizes.reduce((sum, size) => sum + size, 0),
  );
  let offset = 0;
  const tensors = shapes.map((shape, i) => {
    const tensor = new Tensor(storage, shape, dtype, offset);
    offset += sizes[i]!;
    storage.retain();
    return tensor;
  });
  storage.release();
  return tensors;
}

/** Gives up ownership of a tensor that belongs to no scope. */
export function release(x: Tensor): void {
  x.storage.release();
}
