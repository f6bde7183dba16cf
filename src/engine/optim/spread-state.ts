import type { Collective } from "../device/collective/collective.ts";
import { dtypeBytes } from "../device/device.ts";
import { scope } from "../tensor/scope.ts";
import { empty, rows, type Tensor, view } from "../tensor/tensor.ts";

/** What goes over at a time. */
const PART_BYTES = 2 ** 26;

/** A state becomes what it is on its owner. It may lie in the host's memory, which collectives do not reach. */
export function spreadState(state: Tensor, owner: number, collective: Collective): void {
  const { device, dtype, length } = state;
  const flat = view(state, [length]);
  const size = PART_BYTES / dtypeBytes[dtype];
  for (let at = 0; at < length; at += size) {
    const part = rows(flat, at, Math.min(at + size, length));
    scope(() => {
      const passed = empty(device, part.shape, dtype);
      if (collective.group.rank === owner) device.copy(part, passed);
      collective.broadcast([{ view: passed, owner }]);
      collective.wait();
      device.copy(passed, part);
    });
  }
}
