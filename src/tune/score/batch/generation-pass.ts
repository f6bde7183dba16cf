/** One pass of many texts through the model: parts of prompts and single tokens alike. */
import type { Device } from "../../../engine/device/device.ts";
import { PAGE_SIZE, type PagedCache } from "../../../engine/nn/paged-cache.ts";
import type { PagedSequence } from "../../../engine/nn/sequence.ts";
import { TOP, type TopTokensOptions, topTokens } from "../../../engine/ops/top-tokens/top-tokens.ts";
import { scope } from "../../../engine/tensor/scope.ts";
import { fromHost, rows, type Tensor, toBytes, toFloats } from "../../../engine/tensor/tensor.ts";
import type { Decoder } from "../../../model/families/decoder.ts";
import type { TokenMask } from "../constraint/token-constraint.ts";
import type { GeneratingText, NextLogits } from "./generating-text.ts";

/** Tokens of a text, from those computed on up to `end`, whose pages it has. */
export interface Chunk {
  readonly text: GeneratingText;
  readonly end: number;
}

/**
 * Products of fewer rows add up in another order on the CPU (engine/device/cpu/gemm-few-rows.c), and faster: what is alone in
 * a pass would get other bits than among others.
 */
export const ROWS_OF_EQUAL_BITS = 5;

/**
 * Computes the chunks; their keys and values are in the cache then.
 * @param cache whose last page is nobody's
 * @param fewestRows that are computed, with any that are of use or none
 * @param next told, while the pass's tensors are there, what follows each text that is computed to its end
 */
export function computeChunks(
  decoder: Decoder,
  cache: PagedCache,
  chunks: readonly Chunk[],
  fewestRows: number,
  next: (text: GeneratingText, logits: NextLogits) => void,
): void {
  const asking = chunks.filter(({ text, end }) => end === text.tokens.length).map(({ text }) => text);
  const sequence = layOut(chunks, fewestRows, cache.pages - 1);
  scope(() => {
    const hidden = decoder.continued(sequence, cache);
    for (const chunk of chunks) chunk.text.computed = chunk.end;
    if (asking.length > 0) tellNext(decoder, hidden, asking, next);
  });
}

function tellNext(
  decoder: Decoder,
  hidden: Tensor,
  asking: readonly GeneratingText[],
  next: (text: GeneratingText, logits: NextLogits) => void,
): void {
  const { device, head, config } = decoder;
  const inverse = new Float32Array(hidden.shape[0]!).fill(1);
  for (const [row, { sampling }] of asking.entries()) inverse[row] = 1 / (sampling.temperature || 1);
  const masks = asking.map(({ mask }) => mask);
  const top = topTokens(hidden, head, fromHost(device, inverse), {
    masks: placeMasks(device, masks, inverse.length),
    softcap: config.logitSoftcap,
  });
  const ids = new Int32Array(toBytes(top.ids).buffer);
  const logits = toFloats(top.logits);
  const statistics = toFloats(top.statistics);
  for (const [row, text] of asking.entries()) {
    const own = ids.subarray(row * TOP, (row + 1) * TOP);
    const count = own.includes(-1) ? own.indexOf(-1) : TOP;
    next(text, {
      ids: own.subarray(0, count),
      logits: logits.subarray(row * TOP, row * TOP + count),
      logSumExp: statistics[2 * row]!,
      weight: statistics[2 * row + 1]!,
      all: () => masked(decoder.logits(rows(hidden, row, row + 1)), masks[row]),
    });
  }
}

/** Each mask once, and which each row has; undefined where none has one. */
function placeMasks(
  device: Device,
  masks: readonly (TokenMask | undefined)[],
  rows: number,
): TopTokensOptions["masks"] {
  const all = [...new Set(masks)].filter((mask) => mask !== undefined);
  if (all.length === 0) return undefined;
  const words = all[0]!.length;
  const values = new Int32Array(all.length * words);
  for (const [i, mask] of all.entries()) values.set(mask, i * words);
  const of = new Int32Array(rows).fill(-1);
  for (const [row, mask] of masks.entries()) if (mask) of[row] = all.indexOf(mask);
  return { masks: fromHost(device, values, [all.length, words]), of: fromHost(device, of) };
}

function masked(logits: Float32Array, mask: TokenMask | undefined): Float32Array {
  if (mask === undefined) return logits;
  return logits.map((logit, id) => ((mask[id >>> 5]! >>> (id & 31)) & 1 ? logit : Number.NEGATIVE_INFINITY));
}

/** Rows that are wanted: the last of each text that is computed to its end, in the order of the chunks; then any others. */
function layOut(chunks: readonly Chunk[], fewestRows: number, spare: number): PagedSequence {
  const tokens: number[] = [];
  const positions: number[] = [];
  const places: number[] = [];
  const members: number[] = [];
  const wanted: number[] = [];
  for (const [member, { text, end }] of chunks.entries()) {
    for (let position = text.computed; position < end; position++) {
      tokens.push(text.tokens[position]!);
      positions.push(position);
      places.push(text.pages[Math.floor(position / PAGE_SIZE)]! * PAGE_SIZE + (position % PAGE_SIZE));
      members.push(member);
    }
    if (end === text.tokens.length) wanted.push(tokens.length - 1);
  }
  for (let position = 0; tokens.length < fewestRows; position++) {
    tokens.push(0);
    positions.push(position);
    places.push(spare * PAGE_SIZE + position);
    members.push(chunks.length);
  }
  for (let row = 0; wanted.length < fewestRows; row++) wanted.push(row);
  const pagesEach = chunks.reduce((most, { text }) => Math.max(most, text.pages.length), 1);
  const pages = new Int32Array((chunks.length + 1) * pagesEach).fill(spare);
  for (const [member, { text }] of chunks.entries()) pages.set(text.pages, member * pagesEach);
  const [rows, ...perToken] = [wanted, tokens, positions, places, members].map((list) => Int32Array.from(list));
  return {
    tokens: perToken[0]!,
    positions: perToken[1]!,
    places: perToken[2]!,
    members: perToken[3]!,
    pages,
    pagesEach,
    rows: rows!,
  };
}
