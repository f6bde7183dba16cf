/** A class head in a PEFT adapter: trained in full beside the factors, under `modules_to_save`. */
import { UserError } from "../../base/errors.ts";
import { type Tensor, toBytes } from "../../engine/tensor/tensor.ts";
import { refreshWorking } from "../../engine/tensor/working-copy.ts";
import type { AdapterTensor, AdapterToWrite } from "../files/adapter.ts";
import type { TensorInfo } from "../files/safetensors.ts";
import { type ClassHead, type ClassHeadConfig, type ClassHeadMaker, isOfClassHead, scoreHead } from "./class-head.ts";
import { decodeFloats, expectFloats } from "./decode-floats.ts";

/** What an adapter keeps of the head; nothing without one. */
export function savedClassHead(head: ClassHead | undefined): AdapterToWrite["tensors"] {
  return [...(head?.parameters ?? [])].map(([name, tensor]) => {
    const dot = name.lastIndexOf(".");
    const [module, parameter] = [name.slice(0, dot), name.slice(dot + 1)];
    return { module, kind: "saved", parameter, dtype: "F32", shape: tensor.shape, bytes: () => toBytes(tensor) };
  });
}

/**
 * Puts the head of an adapter into the model's. What the adapter does not have stays as the checkpoint has it.
 * @throws UserError when neither has it, or the adapter has another head than the model
 */
export function loadClassHead(head: ClassHead | undefined, tensors: readonly AdapterTensor[], folder: string): void {
  const saved = new Map(tensors.filter(({ kind }) => kind === "saved").map((tensor) => [nameOf(tensor), tensor]));
  const stranger = [...saved.keys()].find((name) => !head?.parameters.has(name));
  if (stranger !== undefined) throw unplaced(stranger, head, folder);
  for (const [name, tensor] of head?.parameters ?? []) {
    const own = saved.get(name);
    if (own === undefined && !head?.fresh.has(name)) continue;
    const { bytes, dtype, shape } = own ?? missing(name, folder);
    if (shape.join() !== tensor.shape.join()) throw misshapen(name, shape, tensor, folder);
    const floats = decodeFloats(Uint8Array.from(bytes), expectFloats(dtype, name, folder));
    tensor.device.write(tensor, new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength));
    refreshWorking(tensor);
  }
}

/**
 * How large the head is whose tensors are listed, under names that end in its own; undefined where there is none.
 * @param make of an encoder's head; default: a decoder's
 */
export function classHeadSizes(
  tensors: Iterable<readonly [string, Pick<TensorInfo, "shape">]>,
  make: ClassHeadMaker = scoreHead,
): Pick<ClassHeadConfig, "labels" | "dense"> | undefined {
  const shapes = new Map([...tensors].map(([name, { shape }]) => [name.replace(/^base_model\.model\./, ""), shape]));
  const options = { labels: 1, activation: "gelu", dropout: 0 } as const;
  const plain = make({ ...options, dense: [] });
  const labels = shapes.get(`${plain.output.path}.weight`)?.[0];
  if (labels !== undefined) return { labels, dense: [] };
  // A decoder's head may have any number of dense layers, of any width.
  const weights = [...shapes.keys()].filter((name) => isOfClassHead(plain, name) && name.endsWith(".weight"));
  const { output, dense } = make({ ...options, dense: weights.slice(1).map(() => 1) });
  const [out, ...wide] = [output, ...dense].map(({ path }) => shapes.get(`${path}.weight`)?.[0]);
  return out !== undefined && wide.every((width) => width !== undefined) ? { labels: out, dense: wide } : undefined;
}

function nameOf({ module, parameter }: AdapterTensor): string {
  return `${module}.${parameter}`;
}

function unplaced(name: string, head: ClassHead | undefined, folder: string): UserError {
  const isHead = isOfClassHead(head?.parts ?? { modules: ["score"] }, name);
  return new UserError({
    code: isHead ? "adapter/class-head" : "adapter/unsupported",
    message: isHead
      ? `the adapter has a class head ("${name}"), which ${head ? "is another than the model's" : "the model is opened without"}`
      : `the adapter replaces "${name}" (modules_to_save), which is not supported`,
    where: folder,
    fix: isHead
      ? head
        ? "set head.dense as the adapter was trained with"
        : "take task_type SEQ_CLS"
      : "merge the adapter into its base with PEFT, and use the merged model",
  });
}

function missing(name: string, folder: string): never {
  throw new UserError({
    code: "adapter/no-class-head",
    message: `the adapter has no "${name}": it is no classifier's, or its head is of another kind`,
    where: folder,
    fix: "take the adapter of a classifier (task_type SEQ_CLS with modules_to_save), and set head.dense as it has it",
  });
}

function misshapen(name: string, shape: readonly number[], tensor: Tensor, folder: string): UserError {
  return new UserError({
    code: "adapter/wrong-shape",
    message: `"${name}" has shape [${shape.join(", ")}], the model's class head [${tensor.shape.join(", ")}]`,
    where: folder,
    fix: "the adapter is for other labels or another base model",
  });
}
