/** A row that the model got wrong. */
export interface Mistake {
  readonly text: string;
  readonly label: string;
  readonly predicted: string;
  /** What the model gave to the label it predicted. */
  readonly probability: number;
}

/**
 * Keeps the mistakes that the model was surest of: there a wrong label in the data and a real blind spot show first.
 * Holds at most `limit` rows, surest first, earlier rows first among equals.
 */
export class Mistakes {
  readonly #limit: number;
  readonly #kept: Mistake[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(mistake: Mistake): void {
    const after = this.#kept.findIndex((kept) => kept.probability < mistake.probability);
    this.#kept.splice(after === -1 ? this.#kept.length : after, 0, mistake);
    if (this.#kept.length > this.#limit) this.#kept.pop();
  }

  list(): readonly Mistake[] {
    return [...this.#kept];
  }
}
