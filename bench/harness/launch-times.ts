import type { Device, KernelArgument } from "../../src/engine/device/device.ts";

/** Times every launch of a device, from here on. On a device whose launches return when the kernel has run. */
export class LaunchTimes {
  readonly #seconds = new Map<string, number[]>();

  /** @param nameOf under which name a launch is counted */
  constructor(
    device: Device,
    nameOf: (kernel: string, args: readonly KernelArgument[]) => string = (kernel) => kernel,
  ) {
    const launch = device.launch.bind(device);
    device.launch = (kernel, args) => {
      const begin = performance.now();
      launch(kernel, args);
      const seconds = (performance.now() - begin) / 1000;
      const name = nameOf(kernel, args);
      const times = this.#seconds.get(name);
      if (times === undefined) this.#seconds.set(name, [seconds]);
      else times.push(seconds);
    };
  }

  /** Seconds of each launch since the last time they were taken, by name. */
  take(): Map<string, readonly number[]> {
    const taken = new Map<string, readonly number[]>(this.#seconds);
    this.#seconds.clear();
    return taken;
  }
}

/** The kernel and the sizes it was given: what tells the launches of one kernel apart. */
export function kernelAndSizes(kernel: string, args: readonly KernelArgument[]): string {
  const sizes = args.filter((argument) => typeof argument === "number" && Number.isInteger(argument) && argument >= 16);
  return `${kernel} ${sizes.join("x")}`;
}
