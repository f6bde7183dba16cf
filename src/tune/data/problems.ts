/**
 * What was wrong with rows of a data set. Reasons are few and counted; the first rows of each reason are kept as
 * examples, so that memory does not grow with the number of faults.
 */
export interface Problem {
  /** `train.csv:17` */
  readonly where: string;
  /** What was wrong with this row in particular. */
  readonly detail: string;
}

export interface ProblemGroup {
  readonly reason: string;
  /** True when rows of this group are left out; false when they were changed and kept. */
  readonly skipped: boolean;
  /** The recipe asked for the change, so that it is nothing to warn of. */
  readonly asked?: true;
  readonly count: number;
  readonly examples: readonly Problem[];
}

const examplesPerReason = 3;
const longestDetail = 160;

export class Problems {
  readonly #groups = new Map<string, { skipped: boolean; asked?: true; count: number; examples: Problem[] }>();

  /** Count a row that is left out. `reason` is one of a few fixed phrases; what varies belongs in `detail`. */
  skip(where: string, reason: string, detail = ""): void {
    this.#add(where, reason, detail, true);
  }

  /** Count a row that is kept, but not as it was written. */
  change(where: string, reason: string, detail = ""): void {
    this.#add(where, reason, detail, false);
  }

  /** Count a row that is kept, and changed as the recipe says. */
  tidy(where: string, reason: string): void {
    this.#add(where, reason, "", false);
    this.#groups.get(reason)!.asked = true;
  }

  #add(where: string, reason: string, detail: string, skipped: boolean): void {
    const group = this.#groups.get(reason) ?? { skipped, count: 0, examples: [] };
    this.#groups.set(reason, group);
    group.count++;
    if (group.examples.length < examplesPerReason) {
      const shown = detail.length > longestDetail ? `${detail.slice(0, longestDetail)}…` : detail;
      group.examples.push({ where, detail: shown });
    }
  }

  /** Counts what others have counted, as if their rows had come after those before. @param groups of `inOrder` */
  merge(groups: readonly ProblemGroup[]): void {
    for (const { reason, skipped, count, examples } of groups) {
      const group = this.#groups.get(reason) ?? { skipped, count: 0, examples: [] };
      this.#groups.set(reason, group);
      group.count += count;
      group.examples.push(...examples.slice(0, examplesPerReason - group.examples.length));
    }
  }

  /** Reasons in the order in which they were first met. */
  inOrder(): readonly ProblemGroup[] {
    return [...this.#groups].map(([reason, group]) => ({ reason, ...group }));
  }

  /** Rows left out, over all reasons. */
  get skipped(): number {
    return this.groups().reduce((sum, group) => sum + (group.skipped ? group.count : 0), 0);
  }

  /** Most frequent reason first. */
  groups(): readonly ProblemGroup[] {
    return this.inOrder().toSorted((a, b) => b.count - a.count);
  }

  /** One line per reason that was not asked for: `12 rows skipped: not valid JSON, first train.jsonl:17 (Unexpected end …)`. */
  lines(): readonly string[] {
    const unasked = this.groups().filter(({ asked }) => asked === undefined);
    return unasked.map(({ reason, skipped, count, examples }) => {
      const first = examples[0]!;
      const detail = first.detail === "" ? "" : ` (${first.detail})`;
      const rows = `${count} ${count === 1 ? "row" : "rows"}`;
      return `${rows} ${skipped ? "skipped" : "changed"}: ${reason}, first ${first.where}${detail}`;
    });
  }
}
