/** A benchmark asks one question, prints its answer for people, and returns it for `--json`. */
export interface BenchmarkContext {
  /** Threads of each side. */
  readonly threads: number;
  /** Measurements of each side, taken in turn. */
  readonly rounds: number;
  /** That one measurement takes at least. */
  readonly seconds: number;
  /** Python that has the peer's packages; undefined: Fettle is measured alone. */
  readonly python: () => Promise<string | undefined>;
  readonly print: (line: string) => void;
}

export interface BenchmarkAnswer {
  /** False when a target was missed. */
  readonly passed: boolean;
  readonly json: object;
}

export interface Benchmark {
  readonly question: string;
  run(context: BenchmarkContext): Promise<BenchmarkAnswer>;
}
