import type { EventSink } from "../../../base/events.ts";
import type { Problem } from "../problems.ts";

/** What one step of the preparation did to a set; run.json has them in order. */
export interface PreparationStep {
  readonly step: string;
  /** Which set: `train`, `validation`, `test`. */
  readonly set: string;
  /** Rows before and after, a row with several questions counted once. */
  readonly in: number;
  readonly out: number;
  /** Rows that are kept, but not as they were. */
  readonly changed: number;
  /** What was found, in words. */
  readonly detail: string;
  /** The first rows it was found in. */
  readonly examples: readonly Problem[];
  /** Rows by label, where the step is about them. */
  readonly labels?: readonly LabelCounts[];
}

export interface LabelCounts {
  readonly label: string;
  readonly before: number;
  readonly after: number;
}

/** Examples shown of a step. */
export const EXAMPLES = 3;

/**
 * Says what a step did to a set.
 * @param hint what would be done about it, where nothing is
 */
export function tellStep(
  step: PreparationStep,
  level: "info" | "warning",
  onEvent: EventSink,
  hint?: string,
): PreparationStep {
  const { set, in: before, out, examples } = step;
  const rows = before === out ? `${before} rows` : `${before} -> ${out} rows`;
  const [first] = examples;
  const shown = first === undefined ? "" : `, first ${first.where} ${first.detail}`.trimEnd();
  const more = hint === undefined ? "" : `; ${hint}`;
  onEvent({ kind: "note", level, message: `${set}, ${step.step}: ${step.detail}${shown} (${rows})${more}` });
  return step;
}

/** A row's place in a sentence about another row: the line alone where the file is the same. */
export function besides(where: string, other: string): string {
  const fileEnd = other.lastIndexOf(":");
  return where.startsWith(other.slice(0, fileEnd + 1)) ? `line ${other.slice(fileEnd + 1)}` : other;
}
