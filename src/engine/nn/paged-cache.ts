/** Keys and values of tokens already seen, per layer, in pages that any sequence may have. */
import type { Device } from "../device/device.ts";
import { dtypeBytes } from "../device/device.ts";
import type { PageStore } from "../ops/paged-attention/paged-attention.ts";
import { unscoped } from "../tensor/scope.ts";
import { empty, release } from "../tensor/tensor.ts";

/** Positions of a page. */
export const PAGE_SIZE = 16;

export class PagedCache implements Disposable {
  readonly pages: number;
  readonly #layers: readonly PageStore[];

  /** @param width of keys: kvHeads · headDim @throws UserError when memory does not suffice */
  constructor(device: Device, layers: number, pages: number, width: number) {
    this.pages = pages;
    const shape = [pages * PAGE_SIZE, width];
    this.#layers = unscoped(() =>
      Array.from({ length: layers }, () => ({
        keys: empty(device, shape, device.activations),
        values: empty(device, shape, device.activations),
        pageSize: PAGE_SIZE,
      })),
    );
  }

  layer(layer: number): PageStore {
    return this.#layers[layer]!;
  }

  [Symbol.dispose](): void {
    for (const { keys, values } of this.#layers) {
      release(keys);
      release(values);
    }
  }
}

/** Bytes of one page in all layers. */
export function pageBytes(device: Device, layers: number, width: number): number {
  return 2 * layers * PAGE_SIZE * width * dtypeBytes[device.activations];
}
