import type { ConfigJson } from "../files/config.ts";
import type { DecoderConfig } from "./decoder-config.ts";

/** One architecture: its config.json in, a decoder's description out. Weight names are the checkpoint's own. */
export interface Family {
  /** @throws UserError naming the key of config.json that is missing or wrong. */
  readonly readConfig: (json: ConfigJson) => DecoderConfig;
}
