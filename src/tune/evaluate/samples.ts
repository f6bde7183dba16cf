import type { Sample } from "../../base/events.ts";
import type { Prediction } from "../score/prediction.ts";

/** Rows that are kept. */
const KEPT = 12;
const CHARACTERS = 400;
const PROBABILITIES = 5;

/** A few rows of a set, always the same ones: evenly spread over it. */
export class Samples {
  readonly #labels: readonly string[];
  readonly #period: number;
  readonly #kept: Sample[] = [];

  /** @param total rows of the set */
  constructor(labels: readonly string[], total: number) {
    this.#labels = labels;
    this.#period = Math.max(1, Math.ceil(total / KEPT));
  }

  add(prediction: Prediction): void {
    if (prediction.row.index % this.#period !== 0) return;
    const name = (c: number): string => this.#labels[c]!;
    const order = [...prediction.probabilities.keys()].sort(
      (a, b) => prediction.probabilities[b]! - prediction.probabilities[a]!,
    );
    this.#kept.push({
      text: prediction.row.text.slice(0, CHARACTERS),
      truth: (truthOf(prediction) ?? []).map(name),
      given: givenIn(prediction).map(name),
      probabilities: Object.fromEntries(
        order.slice(0, PROBABILITIES).map((c) => [name(c), Number(prediction.probabilities[c]!.toPrecision(4))]),
      ),
    });
  }

  list(): readonly Sample[] {
    return this.#kept;
  }
}

/** True labels; undefined where they are not known. */
function truthOf({ row: { target, targets } }: Prediction): readonly number[] | undefined {
  return targets ?? (target === undefined ? undefined : [target]);
}

/** Labels given. */
function givenIn({ chosen, predicted }: Prediction): readonly number[] {
  return chosen ?? [predicted];
}
