import { freemem } from "node:os";
import { UserError } from "../../../base/errors.ts";
import { PAGE_SIZE, pageBytes } from "../../../engine/nn/paged-cache.ts";
import type { Decoder } from "../../../model/families/decoder.ts";

/** Tokens for each text that may run, where memory allows. */
const TOKENS_EACH = 1024;

/** Bytes of a cache for one text of so many tokens. */
export function cacheBytesFor({ device, config: { layers, kvHeads, headDim } }: Decoder, tokens: number): number {
  return Math.max(Math.ceil(tokens / PAGE_SIZE), 2) * pageBytes(device, layers, kvHeads * headDim);
}

/**
 * Pages of a key/value cache: what `bytes` hold; by default what the texts at once take, at most half of a card's memory
 * that is left, or a quarter of the system's that is free.
 * @throws UserError when that is less than two pages
 */
export function cachePages({ device, config }: Decoder, maxRunning: number, bytes: number | undefined): number {
  const { layers, kvHeads, headDim, maxPositions } = config;
  const each = pageBytes(device, layers, kvHeads * headDim);
  const left = device.budget === undefined ? freemem() / 4 : (device.budget - device.memory().live) / 2;
  const wanted = (maxRunning * Math.min(maxPositions, TOKENS_EACH)) / PAGE_SIZE;
  // A text of the whole context must fit as well.
  const pages = Math.floor(
    bytes === undefined ? Math.min(Math.max(wanted, maxPositions / PAGE_SIZE), left / each) : bytes / each,
  );
  if (pages >= 2) return pages;
  throw new UserError({
    code: "generate/small-cache",
    message: `a key/value cache of ${Math.floor(bytes ?? left)} bytes holds ${pages} pages of ${PAGE_SIZE} tokens, ${each} bytes each`,
    fix: "give the cache more memory, or take a smaller model",
  });
}
