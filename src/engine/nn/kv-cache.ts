/** Keys and values of the tokens already seen, per layer, for generation one token at a time. */
import type { Device } from "../device/device.ts";
import { unscoped } from "../tensor/scope.ts";
import { empty, release, rows, type Tensor } from "../tensor/tensor.ts";

export interface KeysAndValues {
  /** [tokens, kvHeads · headDim] */
  readonly keys: Tensor;
  readonly values: Tensor;
}

export class KvCache implements Disposable {
  readonly capacity: number;
  readonly #layers: readonly KeysAndValues[];
  #length = 0;

  /** Room for `capacity` tokens in each of `layers` layers whose keys are `width` wide. */
  constructor(device: Device, layers: number, capacity: number, width: number) {
    this.capacity = capacity;
    this.#layers = unscoped(() =>
      Array.from({ length: layers }, () => ({
        keys: empty(device, [capacity, width], device.activations),
        values: empty(device, [capacity, width], device.activations),
      })),
    );
  }

  /** Tokens whose keys and values are in every layer. */
  get length(): number {
    return this.#length;
  }

  /** Stores new rows after the cached ones and returns all of the layer's; `advance` makes them count. */
  append(layer: number, keys: Tensor, values: Tensor): KeysAndValues {
    const cache = this.#layers[layer]!;
    const end = this.#length + keys.shape[0]!;
    if (end > this.capacity) throw new Error(`the key/value cache holds ${this.capacity} tokens, ${end} were given`);
    keys.device.copy(keys, rows(cache.keys, this.#length, end));
    keys.device.copy(values, rows(cache.values, this.#length, end));
    return { keys: rows(cache.keys, 0, end), values: rows(cache.values, 0, end) };
  }

  advance(tokens: number): void {
    this.#length += tokens;
  }

  [Symbol.dispose](): void {
    for (const { keys, values } of this.#layers) {
      release(keys);
      release(values);
    }
  }
}
