import type { LoadedRecipe } from "../recipe/load.ts";
import type { LaidValue } from "../recipe/source.ts";

/** What varies: an option of the recipe, or something that sets several at once. */
export interface Axis {
  /** `lora.r`, or a name of one's own such as `large_functions`. */
  readonly name: string;
  readonly values: readonly AxisValue[];
}

export interface AxisValue {
  /** `8`, or the variant's name. */
  readonly label: string;
  readonly settings: readonly LaidValue[];
}

/** One run of a sweep. */
export interface Combination {
  /** Of its folder: the same whenever the same is asked for. */
  readonly name: string;
  /** Axis -> label; an axis that a run beside the grid says nothing about is missing. */
  readonly labels: Readonly<Record<string, string>>;
  readonly loaded: LoadedRecipe;
}

export interface Sweep {
  readonly name: string;
  /** Absolute, as `output`. */
  readonly recipe: string;
  readonly output: string;
  /** Undefined: what suits the task. */
  readonly metric: string | undefined;
  readonly axes: readonly Axis[];
  readonly combinations: readonly Combination[];
}
