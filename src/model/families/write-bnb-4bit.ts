/** Writes a model in bitsandbytes' 4 bits, for transformers to load without quantising. */
import { UserError } from "../../base/errors.ts";
import { cast } from "../../engine/ops/cast/cast.ts";
import type { Nf4Tensor } from "../../engine/ops/nf4/nf4.ts";
import { nf4Code } from "../../engine/ops/nf4/nf4-code.ts";
import { scope } from "../../engine/tensor/scope.ts";
import { type Tensor, toBytes } from "../../engine/tensor/tensor.ts";
import { makeFolder } from "../files/atomic.ts";
import { type BnbDtype, bnbDtypes, bnbEndings, CODE_SIZE, MAP_SIZE, NESTED_BLOCK } from "../files/bnb-4bit.ts";
import { ConfigJson, writeConfigJson } from "../files/config.ts";
import type { TensorToWrite } from "../files/safetensors-write.ts";
import { saveWeights } from "../files/weights-write.ts";
import { bnbDtypeOf } from "./bnb-4bit-values.ts";
import type { Model } from "./model.ts";

/** Of blocks that bitsandbytes' kernels take. */
const BLOCK_SIZES: readonly number[] = [64, 128, 256, 512, 1024, 2048, 4096];

/**
 * Writes config.json and weights: linear layers as the model holds them, what it holds in full in the dtype of its
 * config.json (float16 as float32).
 * @param model opened with format nf4
 * @throws UserError for a block size that bitsandbytes does not know, and when the disk is full or cannot be written.
 */
export function writeBnb4bit(model: Model, folder: string): void {
  const { tensors, quantized, onHost } = model.parameters;
  if (quantized.size === 0) throw new Error("writeBnb4bit takes a model that holds its linear layers in 4 bits");
  const dtype = configDtype(model.configJson);
  for (const [name, { blockSize }] of quantized) expectBlockSize(name, blockSize);
  makeFolder(folder);
  writeConfigJson(folder, withQuantization(model, dtype));
  saveWeights(folder, [
    ...[...tensors].map(([name, tensor]) => inFull(name, tensor, dtype === "bfloat16")),
    ...[...onHost].map(
      ([name, { shape, values }]): TensorToWrite => ({ name, dtype: "BF16", shape, bytes: bytesOf(values) }),
    ),
    ...[...quantized].flatMap(([name, weight]) => inFourBits(name, weight, bnbDtypeOf(weight) ?? dtype)),
  ]);
}

function withQuantization({ configJson, decoder, classHead, parameters }: Model, dtype: BnbDtype): ConfigJson {
  const { quantized } = parameters;
  const inFull = [...decoder.linears.keys()].filter((path) => !quantized.has(`${path}.weight`));
  const { dense, output } = classHead?.parts ?? {};
  const heads = [...(dense ?? []), ...(output ? [output] : [])].map(({ path }) => path);
  const [first] = quantized.values();
  const { json } = configJson.with({
    dtype,
    torch_dtype: undefined,
    quantization_config: {
      _load_in_4bit: true,
      _load_in_8bit: false,
      bnb_4bit_compute_dtype: dtype,
      bnb_4bit_quant_storage: "uint8",
      bnb_4bit_quant_type: "nf4",
      bnb_4bit_use_double_quant: "codes" in first!.absmax,
      llm_int8_enable_fp32_cpu_offload: false,
      llm_int8_has_fp16_weight: false,
      llm_int8_skip_modules: ["lm_head", ...heads, ...inFull],
      llm_int8_threshold: 6,
      load_in_4bit: true,
      load_in_8bit: false,
      quant_method: "bitsandbytes",
    },
  });
  return new ConfigJson(configJson.where, json, new Set([...configJson.floatKeys, "llm_int8_threshold"]));
}

function inFull(name: string, tensor: Tensor, narrow: boolean): TensorToWrite {
  const wanted = narrow ? "bf16" : "f32";
  const bytes = (): Uint8Array =>
    tensor.dtype === wanted ? toBytes(tensor) : scope(() => toBytes(cast(tensor, wanted)));
  return { name, dtype: narrow ? "BF16" : "F32", shape: tensor.shape, bytes };
}

function inFourBits(name: string, { packed, absmax, shape, blockSize }: Nf4Tensor, dtype: BnbDtype): TensorToWrite[] {
  const codes: TensorToWrite = { name, dtype: "U8", shape: packed.shape, bytes: () => toBytes(packed) };
  const code = floats(name + bnbEndings.map, [CODE_SIZE], () => bytesOf(nf4Code));
  const state = { quant_type: "nf4", blocksize: blockSize, dtype, shape };
  if (!("codes" in absmax)) {
    const scales = floats(name + bnbEndings.absmax, absmax.shape, () => toBytes(absmax));
    return [codes, code, scales, stateTensor(name, state)];
  }
  const { codes: scales, nestedAbsmax, map, offset } = absmax;
  return [
    codes,
    code,
    { name: name + bnbEndings.absmax, dtype: "U8", shape: scales.shape, bytes: () => toBytes(scales) },
    floats(name + bnbEndings.nestedAbsmax, nestedAbsmax.shape, () => toBytes(nestedAbsmax)),
    floats(name + bnbEndings.nestedMap, [MAP_SIZE], () => toBytes(map)),
    stateTensor(name, { ...state, nested_blocksize: NESTED_BLOCK, nested_dtype: "float32", nested_offset: offset }),
  ];
}

function floats(name: string, shape: readonly number[], bytes: () => Uint8Array): TensorToWrite {
  return { name, dtype: "F32", shape, bytes };
}

/** JSON text with Python's blanks, so that files equal those of transformers. */
function stateTensor(name: string, state: Readonly<Record<string, unknown>>): TensorToWrite {
  const entries = Object.entries(state).map(([key, value]) => {
    const text = Array.isArray(value) ? `[${value.join(", ")}]` : JSON.stringify(value);
    return `${JSON.stringify(key)}: ${text}`;
  });
  const bytes = new TextEncoder().encode(`{${entries.join(", ")}}`);
  return { name: name + bnbEndings.state, dtype: "U8", shape: [bytes.length], bytes };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** What transformers loads the model in. */
function configDtype(config: ConfigJson): BnbDtype {
  const named = config.optionalString("dtype") ?? config.optionalString("torch_dtype");
  return bnbDtypes.find((known) => known === named) ?? "bfloat16";
}

function expectBlockSize(name: string, blockSize: number): void {
  if (BLOCK_SIZES.includes(blockSize)) return;
  throw new UserError({
    code: "export/block-size",
    message: `"${name}" is in blocks of ${blockSize}, which bitsandbytes does not know`,
    fix: `quantize with a block_size of ${BLOCK_SIZES.join(", ")}`,
  });
}
