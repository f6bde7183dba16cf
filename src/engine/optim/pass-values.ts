import type { Collective } from "../device/collective/collective.ts";
import { type Device, type DType, dtypeBytes } from "../device/device.ts";
import { scope } from "../tensor/scope.ts";
import { empty, type Tensor } from "../tensor/tensor.ts";

/** What goes over at a time. */
const PART_BYTES = 2 ** 26;

export interface PassedValues {
  readonly device: Device;
  readonly dtype: DType;
  readonly length: number;
  /** Rank. */
  readonly from: number;
  /** On that process: puts the values from `at` on into a part. */
  readonly give: (part: Tensor, at: number) => void;
  /** On all: makes use of a part. */
  readonly take: (part: Tensor, at: number) => void;
}

/** Values go from one process to all, in parts on the device: where they lie, collectives may not reach. */
export function passValues(collective: Collective, { device, dtype, length, from, give, take }: PassedValues): void {
  const size = PART_BYTES / dtypeBytes[dtype];
  for (let at = 0; at < length; at += size) {
    scope(() => {
      const part = empty(device, [Math.min(size, length - at)], dtype);
      if (collective.group.rank === from) give(part, at);
      collective.broadcast([{ view: part, owner: from }]);
      collective.wait();
      take(part, at);
    });
  }
}
