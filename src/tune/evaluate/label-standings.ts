import type { LabelStanding } from "../../base/events.ts";
import type { Prediction } from "../score/prediction.ts";
import { scoresOf } from "./class-scores.ts";

/** How well each label is told apart from all others, counted as predictions come. */
export class LabelStandings {
  readonly #labels: readonly string[];
  readonly #hits: Float64Array;
  readonly #given: Float64Array;
  readonly #there: Float64Array;

  constructor(labels: readonly string[]) {
    this.#labels = labels;
    [this.#hits, this.#given, this.#there] = [0, 0, 0].map(() => new Float64Array(labels.length)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
  }

  /** Rows whose labels are not known do not count. */
  add(prediction: Prediction): void {
    const truth = truthOf(prediction);
    if (truth === undefined) return;
    const given = givenIn(prediction);
    for (const c of truth) this.#there[c]!++;
    for (const c of given) {
      this.#given[c]!++;
      if (truth.includes(c)) this.#hits[c]!++;
    }
  }

  /** By name, in the labels' order. */
  list(): Record<string, LabelStanding> {
    return Object.fromEntries(
      this.#labels.map((name, c) => {
        const support = this.#there[c]!;
        return [name, { ...scoresOf(this.#hits[c]!, this.#given[c]!, support), support }];
      }),
    );
  }
}

/** True labels; undefined where they are not known. */
export function truthOf({ row: { target, targets } }: Prediction): readonly number[] | undefined {
  return targets ?? (target === undefined ? undefined : [target]);
}

/** Labels given. */
export function givenIn({ chosen, predicted }: Prediction): readonly number[] {
  return chosen ?? [predicted];
}
