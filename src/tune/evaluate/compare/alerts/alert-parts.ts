import type { PairedScores } from "../compare-pair.ts";
import type { Alerts, AlertTool } from "./alert-table.ts";

/** Sets of labels, by index, on which a model and a tool are compared. */
export interface AlertParts {
  readonly all: readonly number[];
  /** Those that the tool has rules for; undefined where these are all, or none. */
  readonly covered: readonly number[] | undefined;
  /** Those that the tool has rules for, one by one. */
  readonly single: readonly (readonly [number])[];
}

export function partsOf({ covers }: Pick<AlertTool, "covers">): AlertParts {
  const all = [...covers.keys()];
  const some = all.filter((label) => covers[label]);
  const isPart = some.length > 0 && some.length < all.length;
  return { all, covered: isPart ? some : undefined, single: some.map((label) => [label]) };
}

/** In the order in which they are tested. */
export function listParts({ all, covered, single }: AlertParts): readonly (readonly number[])[] {
  return [all, ...(covered ? [covered] : []), ...single];
}

/** Of each row the share of labels that the tool (A) and the model (B) have right: of one label 1 or 0. */
export function sharesRight(
  targets: Uint8Array,
  labels: number,
  [tool, model]: readonly [Pick<Alerts, "answers">, Pick<Alerts, "answers">],
  of: readonly number[],
): Pick<PairedScores, "a" | "b" | "binary"> {
  const shares = ({ answers }: Pick<Alerts, "answers">): Float64Array =>
    Float64Array.from({ length: targets.length / labels }, (_, row) => {
      const right = of.filter((label) => answers[row * labels + label] === targets[row * labels + label]);
      return right.length / of.length;
    });
  return { a: shares(tool), b: shares(model), binary: of.length === 1 };
}
