/**
 * Weights in bitsandbytes' 4 bits as transformers stores them. Beside `NAME`, the packed codes, lie `NAME.absmax`,
 * `NAME.quant_map`, with double quantisation `NAME.nested_absmax` and `NAME.nested_quant_map`, and what is no tensor as
 * JSON text in `NAME.quant_state.bitsandbytes__nf4`.
 */
import { UserError } from "../../base/errors.ts";
import { ConfigJson } from "./config.ts";
import { parseJsonObject } from "./json-file.ts";
import { refuseCode, refuseInt8 } from "./quantization-config.ts";
import { type SafetensorsDtype, tensorByteLength } from "./safetensors-dtype.ts";
import type { Weights } from "./weights.ts";

/** Dtypes that values are given in, by PyTorch's names: that of the weight before it was quantised. */
export const bnbDtypes = ["float32", "float16", "bfloat16"] as const;
export type BnbDtype = (typeof bnbDtypes)[number];

/** Of one weight; its tensors have been checked against it. */
export interface Bnb4bitState {
  /** Before it was quantised. */
  readonly shape: readonly number[];
  readonly blockSize: number;
  readonly dtype: BnbDtype;
  /** What 8-bit scales are apart from; undefined where scales are in f32. */
  readonly nestedOffset: number | undefined;
}

/** Endings of a quantised weight's tensors, after its name. */
export const bnbEndings = {
  state: ".quant_state.bitsandbytes__nf4",
  absmax: ".absmax",
  map: ".quant_map",
  nestedAbsmax: ".nested_absmax",
  nestedMap: ".nested_quant_map",
} as const;

/** Scales that share one of their own; bitsandbytes knows no other number. */
export const NESTED_BLOCK = 256;
export const CODE_SIZE = 16;
export const MAP_SIZE = 256;
const MAX_BLOCK_SIZE = 4096;
const MAX_STATE_BYTES = 2 ** 16;
const STATE = /^(.+)\.quant_state\.bitsandbytes__(\w+)$/;

/**
 * The quantised weights of a checkpoint, by name; none where nothing is quantised.
 * @throws UserError where the tensors of one are missing or do not fit each other, and for other codes than NF4.
 */
export function readBnb4bit(weights: Weights): Map<string, Bnb4bitState> {
  const states = new Map<string, Bnb4bitState>();
  for (const stateName of weights.names()) {
    const [, name, type] = STATE.exec(stateName) ?? [];
    if (name === undefined) continue;
    if (type !== "nf4") throw refuseCode(type!, weights.folder);
    states.set(name, readState(weights, name));
  }
  refuseIncomplete(weights, states);
  return states;
}

/** The name of the weight that a tensor accompanies; undefined where it is no such tensor. */
export function accompanied(tensor: string, states: ReadonlyMap<string, Bnb4bitState>): string | undefined {
  for (const ending of Object.values(bnbEndings)) {
    const name = tensor.slice(0, -ending.length);
    if (tensor.endsWith(ending) && states.has(name)) return name;
  }
  return undefined;
}

function readState(weights: Weights, name: string): Bnb4bitState {
  const stateName = name + bnbEndings.state;
  const where = `${weights.folder}: ${stateName}`;
  const { shape: stateShape, dtype: stateDtype } = weights.info(stateName);
  if (stateDtype !== "U8" || elements(stateShape) > MAX_STATE_BYTES) {
    throw damaged(`it is ${stateDtype} [${stateShape.join(", ")}], not the bytes of a JSON text`, where);
  }
  const json = new ConfigJson(where, parseJsonObject(decode(weights.read(stateName), where), where));
  const type = json.string("quant_type");
  if (type !== "nf4") throw refuseCode(type, where);
  const shape = json.integers("shape");
  const count = elements(shape);
  if (shape.length === 0 || shape.some((size) => size < 1) || !Number.isSafeInteger(count)) {
    throw json.wrong("shape", "a list of sizes");
  }
  const blockSize = json.integer("blocksize");
  if (blockSize < 2 || blockSize > MAX_BLOCK_SIZE || blockSize % 2 !== 0) {
    throw json.wrong("blocksize", `an even number up to ${MAX_BLOCK_SIZE}`);
  }
  const dtype = bnbDtypes.find((known) => known === json.string("dtype"));
  if (dtype === undefined) throw json.wrong("dtype", bnbDtypes.join(", "));
  const blocks = Math.ceil(count / blockSize);
  const expect = (ending: string, wanted: SafetensorsDtype, length: number): void => {
    expectTensor(weights, name, ending, wanted, length);
  };
  const packed = weights.info(name);
  const bytes = Math.ceil(count / 2);
  // Codes may be stored under any dtype (bnb_4bit_quant_storage): the bytes are the same.
  if (tensorByteLength(packed.dtype, packed.shape) !== bytes) {
    throw damaged(
      `"${name}" is ${packed.dtype} [${packed.shape.join(", ")}]; codes of [${shape.join(", ")}] take ${bytes} bytes`,
      where,
    );
  }
  expect(bnbEndings.map, "F32", CODE_SIZE);
  const nested = json.has("nested_offset") || weights.has(name + bnbEndings.nestedAbsmax);
  expect(bnbEndings.absmax, nested ? "U8" : "F32", blocks);
  if (!nested) return { shape, blockSize, dtype, nestedOffset: undefined };
  expect(bnbEndings.nestedAbsmax, "F32", Math.ceil(blocks / NESTED_BLOCK));
  expect(bnbEndings.nestedMap, "F32", MAP_SIZE);
  if (json.integer("nested_blocksize") !== NESTED_BLOCK) throw json.wrong("nested_blocksize", `${NESTED_BLOCK}`);
  if (json.string("nested_dtype") !== "float32") throw json.wrong("nested_dtype", '"float32"');
  return { shape, blockSize, dtype, nestedOffset: json.number("nested_offset") };
}

function expectTensor(weights: Weights, name: string, ending: string, dtype: SafetensorsDtype, length: number): void {
  if (!weights.has(name + ending)) throw missing(name, name + ending, weights.folder);
  const info = weights.info(name + ending);
  if (info.dtype === dtype && elements(info.shape) === length) return;
  throw damaged(
    `"${name}${ending}" is ${info.dtype} [${info.shape.join(", ")}], not ${dtype} [${length}]`,
    weights.folder,
  );
}

/** Codes without their scales would otherwise look like weights of an odd dtype. */
function refuseIncomplete(weights: Weights, states: ReadonlyMap<string, Bnb4bitState>): void {
  for (const tensor of weights.names()) {
    if (tensor.endsWith(".weight_format") || tensor.endsWith(".SCB")) throw refuseInt8(weights.folder);
    const ending = Object.values(bnbEndings).find((ending) => tensor.endsWith(`.weight${ending}`));
    if (ending === undefined) continue;
    const name = tensor.slice(0, -ending.length);
    if (!states.has(name)) throw missing(name, name + bnbEndings.state, weights.folder);
  }
}

function decode(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw damaged("it is not UTF-8 text", where);
  }
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function missing(name: string, tensor: string, folder: string): UserError {
  return damaged(`"${name}" is in 4 bits, and its "${tensor}" is not there`, folder);
}

function damaged(message: string, where: string): UserError {
  return new UserError({
    code: "model/bad-4bit",
    message,
    where,
    fix: "the 4-bit weights are damaged or not complete: download the checkpoint again",
  });
}
