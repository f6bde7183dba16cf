/** Parameters of a checkpoint whose linear layers bitsandbytes quantised: brought to the device as they are. */
import { UserError } from "../../base/errors.ts";
import type { Device } from "../../engine/device/device.ts";
import {
  dequantizeNf4Into,
  type Nf4Rounding,
  type Nf4Tensor,
  nf4Tensors,
  releaseNf4,
} from "../../engine/ops/nf4/nf4.ts";
import { nf4Code } from "../../engine/ops/nf4/nf4-code.ts";
import { unscoped } from "../../engine/tensor/scope.ts";
import { empty, type Shape, type Tensor } from "../../engine/tensor/tensor.ts";
import { type Bnb4bitState, type BnbDtype, bnbEndings, CODE_SIZE } from "../files/bnb-4bit.ts";
import type { Weights } from "../files/weights.ts";
import { expectSameShape, type ParameterValues } from "./parameter-values.ts";

const roundings: Readonly<Record<BnbDtype, Nf4Rounding | undefined>> = {
  float32: undefined,
  float16: "f16",
  bfloat16: "bf16",
};

/** The dtype that a weight gives its values in; undefined where that is the one it is computed in. */
export function bnbDtypeOf({ rounding }: Nf4Tensor): BnbDtype | undefined {
  return rounding === undefined ? undefined : rounding === "f16" ? "float16" : "bfloat16";
}

/**
 * @param states the quantised weights of the checkpoint
 * @param others values of the parameters that are not quantised
 */
export function bnb4bitValues(
  weights: Weights,
  states: ReadonlyMap<string, Bnb4bitState>,
  others: ParameterValues,
): ParameterValues {
  const read = (device: Device, name: string, state: Bnb4bitState, shape: Shape): Nf4Tensor => {
    expectSameShape(state.shape, shape, name, weights.folder);
    expectNf4(weights, name);
    return readQuantized(device, weights, name, state);
  };
  return {
    dtype(name) {
      const state = states.get(name);
      if (state === undefined) return others.dtype(name);
      return state.dtype === "bfloat16" ? "bf16" : "f32";
    },
    fill(target, name) {
      const state = states.get(name);
      if (state === undefined) return others.fill(target, name);
      const quantized = unscoped(() => read(target.device, name, state, target.shape));
      dequantizeNf4Into(target, quantized);
      releaseNf4(quantized);
    },
    quantized(device, name, shape) {
      const state = states.get(name);
      return state && read(device, name, state, shape);
    },
  };
}

function readQuantized(
  device: Device,
  weights: Weights,
  name: string,
  { shape, blockSize, dtype, nestedOffset }: Bnb4bitState,
): Nf4Tensor {
  const tensor = (ending: string, dtype: "u8" | "f32"): Tensor => {
    const length = weights.info(name + ending).shape.reduce((product, size) => product * size, 1);
    const made = empty(device, [length], dtype);
    device.writeFrom(made, (part, begin) => weights.readInto(name + ending, begin, part));
    return made;
  };
  const packed = empty(device, [Math.ceil(shape.reduce((product, size) => product * size, 1) / 2), 1], "u8");
  device.writeFrom(packed, (part, begin) => weights.readInto(name, begin, part));
  const absmax =
    nestedOffset === undefined
      ? tensor(bnbEndings.absmax, "f32")
      : {
          codes: tensor(bnbEndings.absmax, "u8"),
          nestedAbsmax: tensor(bnbEndings.nestedAbsmax, "f32"),
          map: tensor(bnbEndings.nestedMap, "f32"),
          offset: nestedOffset,
        };
  const bytes = nf4Tensors({ packed, absmax }).reduce((sum, { buffer }) => sum + buffer.bytes, 0);
  return { shape, blockSize, rounding: roundings[dtype], packed, absmax, bytes };
}

/** @throws UserError where the values that codes stand for are not NF4's */
function expectNf4(weights: Weights, name: string): void {
  const map = weights.read(name + bnbEndings.map);
  if (Buffer.compare(map, new Uint8Array(nf4Code.buffer, nf4Code.byteOffset, 4 * CODE_SIZE)) === 0) return;
  throw new UserError({
    code: "model/bad-4bit",
    message: `"${name}${bnbEndings.map}" does not hold the ${CODE_SIZE} values of nf4`,
    where: weights.folder,
    fix: "take a checkpoint that bitsandbytes quantised with bnb_4bit_quant_type nf4",
  });
}
