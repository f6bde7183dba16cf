/** The environment variables that Fettle knows; nothing below `app` reads any. */
import type { DeviceOptions } from "../engine/open-device.ts";

/**
 * `FETTLE_CACHE`: folder of compiled kernels. `CC`: the C compiler. An empty variable counts as none.
 */
export function deviceEnvironment(): Pick<DeviceOptions, "cacheFolder" | "compiler"> {
  return { cacheFolder: process.env.FETTLE_CACHE || undefined, compiler: process.env.CC || undefined };
}

/** Whether text for this stream may have colours: only on a terminal, and not against `NO_COLOR` (no-color.org). */
export function wantsColors(stream: { readonly isTTY?: boolean }): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
}
