import type { Device, DeviceBuffer } from "../device/device.ts";

/** Reference-counted device memory: shared by the views of one tensor, held by scopes, tapes and owners. */
export class Storage {
  readonly device: Device;
  readonly #buffer: DeviceBuffer;
  #references = 1;

  constructor(device: Device, bytes: number) {
    this.device = device;
    this.#buffer = device.allocate(bytes);
  }

  get buffer(): DeviceBuffer {
    if (this.#references === 0) throw new Error("a released tensor was used");
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
    if (this.#references === 0) this.device.free(this.#buffer);
  }
}
