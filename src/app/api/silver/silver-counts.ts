import type { ToolAnswers, ToolProgram } from "../../tools/tool.ts";
import type { Vote } from "../../tools/vote.ts";
import type { LabelRule } from "./silver-options.ts";

export interface SilverTotals {
  /** Rows in no file: without text, or no tool could read it. */
  readonly skipped: number;
  readonly tools: readonly SilverTool[];
  readonly classes: readonly SilverClass[];
}

export interface SilverTool {
  readonly name: string;
  readonly version: string;
  /** Rows that it could not read. */
  readonly unread: number;
  /** Wall time of its processes; rows from the cache take none. */
  readonly seconds: number;
  /** Rules that the taxonomy does not know, with how often they came. */
  readonly unknownRules: Readonly<Record<string, number>>;
}

export interface SilverClass {
  readonly name: string;
  /** Rows labelled so. */
  readonly rows: number;
  /** Rows in which each tool found it. */
  readonly byTool: Readonly<Record<string, number>>;
  /** Tools that had to find it. */
  readonly votes: number;
  /** `hadolint DL3066`: rules that did not count. */
  readonly without: readonly string[];
  /** On the gold rows. */
  readonly agreement?: { readonly precision: number; readonly recall: number; readonly f1: number };
}

/** Adds up what came of the rows. */
export class SilverCounts {
  skipped = 0;
  readonly #programs: readonly ToolProgram[];
  readonly #rules: ReadonlyMap<string, LabelRule>;
  readonly #unread = new Map<string, number>();
  readonly #seconds = new Map<string, number>();
  readonly #unknown = new Map<string, Map<string, number>>();
  readonly #rows = new Map<string, number>();
  readonly #found = new Map<string, number>();

  constructor(programs: readonly ToolProgram[], rules: ReadonlyMap<string, LabelRule>) {
    this.#programs = programs;
    this.#rules = rules;
  }

  addRun(answers: readonly ToolAnswers[]): void {
    for (const { tool, findings, seconds = 0, unknownRules } of answers) {
      add(this.#unread, tool, findings.filter((one) => one === undefined).length);
      add(this.#seconds, tool, seconds);
      const unknown = this.#unknown.get(tool) ?? new Map<string, number>();
      this.#unknown.set(tool, unknown);
      for (const [rule, count] of unknownRules) add(unknown, rule, count);
    }
  }

  /** @param carried whether the row was labelled so */
  addVotes(label: string, votes: readonly Vote[], carried: boolean): void {
    if (carried) add(this.#rows, label, 1);
    for (const tool of new Set(votes.map((vote) => vote.tool))) add(this.#found, `${tool}\n${label}`, 1);
  }

  totals(): SilverTotals {
    const tools = this.#programs.map(({ tool: { name }, version }) => ({
      name,
      version,
      unread: this.#unread.get(name) ?? 0,
      seconds: this.#seconds.get(name) ?? 0,
      unknownRules: Object.fromEntries(this.#unknown.get(name) ?? []),
    }));
    const classes = [...this.#rules].map(([name, { votes, without, precision, recall, f1 }]) => ({
      name,
      rows: this.#rows.get(name) ?? 0,
      byTool: Object.fromEntries(tools.map((tool) => [tool.name, this.#found.get(`${tool.name}\n${name}`) ?? 0])),
      votes,
      without: [...without],
      ...(precision !== undefined &&
        recall !== undefined &&
        f1 !== undefined && { agreement: { precision, recall, f1 } }),
    }));
    return { skipped: this.skipped, tools, classes };
  }
}

function add(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count);
}
