/** Examples of many requests scored in full passes. */
import type { ScoreOptions } from "../generation-request.ts";
import type { Scoring } from "../passes.ts";

interface Job<Example, Result> {
  readonly examples: readonly Example[];
  readonly adapter: string | undefined;
  readonly results: Result[];
  /** Examples that are in a pass, and those whose results are there. */
  launched: number;
  done: number;
  readonly resolve: (results: Result[]) => void;
  readonly reject: (reason: unknown) => void;
}

/** A request's examples that are in one pass. */
interface Share<Example, Result> {
  readonly job: Job<Example, Result>;
  readonly from: number;
  to: number;
}

/**
 * A pass takes the request that has waited longest, then what fits of those behind it by the same adapter. A request that
 * is not through after a pass goes to the end of the queue, so that a large one does not hold up small ones.
 */
export class ScoreQueue<Example, Result> {
  readonly #scoring: Scoring<Example, Result>;
  readonly #apart: boolean;
  readonly #jobs: Job<Example, Result>[] = [];
  scored = 0;

  /** @param apart a pass takes one request alone: the last bits of a score depend on what shares its pass */
  constructor(scoring: Scoring<Example, Result>, apart = false) {
    this.#scoring = scoring;
    this.#apart = apart;
  }

  /** Examples that are in no pass yet. */
  get waiting(): number {
    return this.#jobs.reduce((sum, { examples, launched }) => sum + examples.length - launched, 0);
  }

  /** Whether every example is in a pass. */
  get idle(): boolean {
    return this.#jobs.length === 0;
  }

  /** Whether an example of the adapter is in no pass yet. */
  uses(adapter: string): boolean {
    return this.#jobs.some((job) => job.adapter === adapter);
  }

  /** Results in the order of the examples. */
  add(examples: readonly Example[], { adapter, signal }: ScoreOptions): Promise<Result[]> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (examples.length === 0) return Promise.resolve([]);
    return new Promise<Result[]>((resolve, reject) => {
      const job = { examples, adapter, results: new Array<Result>(examples.length), launched: 0, done: 0 };
      const onAbort = (): void => this.#fail(whole, signal!.reason);
      const whole: Job<Example, Result> = {
        ...job,
        resolve: (results) => {
          signal?.removeEventListener("abort", onAbort);
          resolve(results);
        },
        reject: (reason) => {
          signal?.removeEventListener("abort", onAbort);
          reject(reason);
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#jobs.push(whole);
    });
  }

  /**
   * Launches the next pass; undefined where nothing waits.
   * @param choose makes the adapter the one that passes have
   * @returns what waits for the pass and answers requests
   */
  launch(choose: (adapter: string | undefined) => void): (() => void) | undefined {
    const shares = this.#nextPass();
    if (shares.length === 0) return undefined;
    const batch = shares.flatMap(({ job, from, to }) => job.examples.slice(from, to));
    const failAll = (reason: unknown): void => {
      for (const { job } of shares) this.#fail(job, reason);
    };
    try {
      choose(shares[0]!.job.adapter);
      const results = this.#scoring.begin(batch);
      return () => {
        try {
          this.#answer(shares, results());
        } catch (error) {
          failAll(error);
        }
      };
    } catch (error) {
      failAll(error);
      return undefined;
    }
  }

  /** Ends all requests. */
  failAll(reason: unknown): void {
    for (const job of [...this.#jobs]) this.#fail(job, reason);
  }

  #nextPass(): Share<Example, Result>[] {
    const { maxTokens, tokens } = this.#scoring;
    const shares: Share<Example, Result>[] = [];
    let before: Example | undefined;
    let room = maxTokens;
    const adapter = this.#jobs[0]?.adapter;
    for (const job of this.#jobs.filter((one) => one.adapter === adapter)) {
      const from = job.launched;
      while (job.launched < job.examples.length) {
        const example = job.examples[job.launched]!;
        const own = tokens(example, before);
        if (before !== undefined && own > room) break;
        room -= own;
        before = example;
        job.launched++;
      }
      if (job.launched > from) shares.push({ job, from, to: job.launched });
      if (this.#apart || job.launched < job.examples.length) break;
    }
    for (const { job } of shares) {
      this.#jobs.splice(this.#jobs.indexOf(job), 1);
      if (job.launched < job.examples.length) this.#jobs.push(job);
    }
    return shares;
  }

  #answer(shares: readonly Share<Example, Result>[], results: readonly Result[]): void {
    let at = 0;
    for (const { job, from, to } of shares) {
      for (let i = from; i < to; i++) job.results[i] = results[at++]!;
      job.done += to - from;
      this.scored += to - from;
      if (job.done === job.examples.length) job.resolve(job.results);
    }
  }

  #fail(job: Job<Example, Result>, reason: unknown): void {
    const at = this.#jobs.indexOf(job);
    if (at >= 0) this.#jobs.splice(at, 1);
    job.reject(reason);
  }
}
