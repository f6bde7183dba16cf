import { statSync } from "node:fs";
import { openSafetensors, type TensorInfo } from "../../model/files/safetensors.ts";

export interface SafetensorsInspection {
  readonly kind: "safetensors";
  readonly path: string;
  readonly bytes: number;
  readonly tensors: number;
  readonly elements: number;
  /** Elements by number format. */
  readonly dtypes: Readonly<Record<string, number>>;
  readonly metadata: Readonly<Record<string, string>>;
  /** The first tensors: name and `BF16 [256, 128]`. */
  readonly first: Readonly<Record<string, string>>;
}

const TENSORS_SHOWN = 20;

/** The header of a safetensors file. @throws UserError when it is damaged or hostile */
export function inspectSafetensors(path: string): SafetensorsInspection {
  using file = openSafetensors(path);
  const infos = [...file.tensors];
  return {
    kind: "safetensors",
    path,
    bytes: statSync(path).size,
    tensors: infos.length,
    ...countElements(infos.map(([, info]) => info)),
    metadata: Object.fromEntries(file.metadata),
    first: Object.fromEntries(
      infos.slice(0, TENSORS_SHOWN).map(([name, { dtype, shape }]) => [name, `${dtype} [${shape.join(", ")}]`]),
    ),
  };
}

/** Elements in all, and by number format. */
export function countElements(
  tensors: Iterable<Pick<TensorInfo, "dtype" | "shape">>,
): Pick<SafetensorsInspection, "elements" | "dtypes"> {
  const dtypes: Record<string, number> = {};
  let elements = 0;
  for (const { dtype, shape } of tensors) {
    const count = shape.reduce((product, size) => product * size, 1);
    dtypes[dtype] = (dtypes[dtype] ?? 0) + count;
    elements += count;
  }
  return { elements, dtypes };
}
