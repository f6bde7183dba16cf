/**
 * What accompanies a parameter's memory, element for element: gradients, rounded copies. Parameters that lie side by side
 * in one storage have mirrors that lie side by side in one storage too, so that many take one launch.
 */
import { type DType, dtypeBytes } from "../device/device.ts";
import { Storage } from "./storage.ts";
import { Tensor } from "./tensor.ts";

export type MirrorKind = "gradient" | "rounded";

const mirrors: Readonly<Record<MirrorKind, WeakMap<Storage, Storage>>> = {
  gradient: new WeakMap(),
  rounded: new WeakMap(),
};

/**
 * The place of x in the mirror of its storage, which is made at first use, uninitialised. It holds one reference, that of
 * the caller: the mirror is freed with the last of them.
 */
export function mirror(x: Tensor, kind: MirrorKind, dtype: DType): Tensor {
  const made = mirrors[kind].get(x.storage);
  if (made !== undefined && made.references > 0) {
    made.retain();
    return place(x, made, dtype);
  }
  const storage = new Storage(x.device, (x.storage.bytes / dtypeBytes[x.dtype]) * dtypeBytes[dtype]);
  mirrors[kind].set(x.storage, storage);
  return place(x, storage, dtype);
}

/** The same where some tensor of x's storage has that mirror, without a reference of its own. */
export function existingMirror(x: Tensor, kind: MirrorKind, dtype: DType): Tensor | undefined {
  const made = mirrors[kind].get(x.storage);
  return made !== undefined && made.references > 0 ? place(x, made, dtype) : undefined;
}

function place(x: Tensor, storage: Storage, dtype: DType): Tensor {
  return new Tensor(storage, x.shape, dtype, (x.offset / dtypeBytes[x.dtype]) * dtypeBytes[dtype]);
}
