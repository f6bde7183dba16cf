import type { Device, DeviceBuffer } from "../device/device.ts";

/** Where memory is. `host`: the host's, as far as the device tells it from its own. */
export type Place = "device" | "host";

/** Reference-counted device memory: shared by the views of one tensor, held by scopes, tapes and owners. */
export class Storage {
  readonly device: Device;
  readonly bytes: number;
  /** Computes the contents again after they were freed, where that costs little; see `record`. */
  remake: (() => void) | undefined = undefined;
  #buffer: DeviceBuffer | undefined;
  #references = 1;

  constructor(device: Device, bytes: number, place: Place = "device") {
    this.device = device;
    this.bytes = bytes;
    const paged = place === "host" && device.allocateOnHost !== undefined;
    this.#buffer = paged ? device.allocateOnHost!(bytes) : device.allocate(bytes);
  }

  get buffer(): DeviceBuffer {
    if (this.#buffer === undefined) throw new Error("a released tensor was used");
    return this.#buffer;
  }

  get references(): number {
    return this.#references;
  }

  retain(): void {
    if (this.#references === 0) throw new Error("a released tensor was retained");
    this.#references++;
  }

  release(): void {
    if (this.#references === 0) throw new Error("a tensor was released twice");
    this.#references--;
    if (this.#references > 0) return;
    this.device.free(this.buffer);
    this.#buffer = undefined;
  }

  /** `retain`, also of what was freed: its contents are made again by `remake`. */
  revive(): void {
    if (this.#references > 0 || this.remake === undefined) {
      this.retain();
      return;
    }
    this.#buffer = this.device.allocate(this.bytes);
    this.#references = 1;
    this.remake();
  }
}
