/** How far annotators say the same. */
export interface Agreement {
  /** Tasks that at least two people answered. */
  readonly tasks: number;
  /** People who answered these. */
  readonly annotators: number;
  /** Share of the pairs of answers to a task that are the same. */
  readonly pairwise: number;
  /**
   * Cohen (1960), "A coefficient of agreement for nominal scales": (p_o - p_e) / (1 - p_e), with p_e the agreement of
   * people who answer at random as often as these do. Null unless exactly two people answered.
   */
  readonly kappa: number | null;
  /**
   * Krippendorff (2011), "Computing Krippendorff's alpha-reliability", nominal: 1 - D_o / D_e over all pairs of answers to
   * the same task, each task's pairs weighted by 1 / (answers - 1). Null where all answers are the same.
   */
  readonly alpha: number | null;
}

/** Different answers that are told apart; sets of many labels beyond these count as one. */
const MAX_ANSWERS = 100_000;

/** Counts answers task by task; memory grows with the different answers, not with the tasks. */
export class AgreementCounter {
  #tasks = 0;
  #pairs = 0;
  #agreeing = 0;
  /** Sum over tasks of the pairs that differ, ordered, divided by answers - 1. */
  #disagreement = 0;
  readonly #totals = new Map<string, number>();
  /** Answers of each of the first two annotators, over tasks that both answered. */
  readonly #annotators = new Map<string, Map<string, number>>();

  /** @param answers annotator and answer of each who answered, each annotator once */
  add(answers: readonly (readonly [annotator: string, answer: string])[]): void {
    if (answers.length < 2) return;
    for (const [annotator] of answers) if (!this.#annotators.has(annotator)) this.#annotators.set(annotator, new Map());
    this.#tasks++;
    const counts = new Map<string, number>();
    for (const [annotator, answer] of answers) {
      const known = this.#totals.has(answer) || this.#totals.size < MAX_ANSWERS ? answer : "";
      counts.set(known, (counts.get(known) ?? 0) + 1);
      add(this.#totals, known);
      add(this.#annotators.get(annotator)!, known);
    }
    const all = answers.length * (answers.length - 1);
    let same = 0;
    for (const count of counts.values()) same += count * (count - 1);
    this.#pairs += all / 2;
    this.#agreeing += same / 2;
    this.#disagreement += (all - same) / (answers.length - 1);
  }

  /** Undefined where no task has two answers. */
  result(): Agreement | undefined {
    if (this.#tasks === 0) return undefined;
    const pairwise = this.#agreeing / this.#pairs;
    return {
      tasks: this.#tasks,
      annotators: this.#annotators.size,
      pairwise,
      kappa: this.#kappa(pairwise),
      alpha: this.#alpha(),
    };
  }

  #kappa(observed: number): number | null {
    const [first, second, ...others] = this.#annotators.values();
    if (first === undefined || second === undefined || others.length > 0) return null;
    let expected = 0;
    for (const [answer, count] of first) expected += (count / this.#tasks) * ((second.get(answer) ?? 0) / this.#tasks);
    return expected === 1 ? null : (observed - expected) / (1 - expected);
  }

  #alpha(): number | null {
    let values = 0;
    let squares = 0;
    for (const count of this.#totals.values()) {
      values += count;
      squares += count * count;
    }
    const expected = values * values - squares;
    return expected === 0 ? null : 1 - ((values - 1) * this.#disagreement) / expected;
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
