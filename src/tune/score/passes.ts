/** A stream of rows through a model, a pass at a time. */
import { setImmediate as nextTurn } from "node:timers/promises";

/** How examples are scored, many a pass. */
export interface Scoring<Example, Result> {
  /** Tokens of a pass; a longer example is one of its own. */
  readonly maxTokens: number;
  /** Tokens that an example adds to a pass, given the one before it. */
  readonly tokens: (example: Example, before: Example | undefined) => number;
  /** Launches a pass; what it returns waits for the results, one an example. */
  readonly begin: (batch: readonly Example[]) => () => readonly Result[];
}

export interface PassOptions<T, Prepared, Result> extends Omit<Scoring<Prepared, Result>, "begin"> {
  readonly prepare: (row: T) => Prepared;
  /** As in `Scoring`, where results may also be somebody else's to wait for. */
  readonly begin: (batch: readonly Prepared[]) => () => readonly Result[] | Promise<readonly Result[]>;
}

/**
 * Results in the order of the rows. Only as many rows are held as fill two passes: the next pass is launched before the
 * results of one are waited for. The thread has a turn after each pass.
 */
export async function* inPasses<T, Prepared, Result>(
  rows: Iterable<T> | AsyncIterable<T>,
  { maxTokens, prepare, tokens: tokensOf, begin }: PassOptions<T, Prepared, Result>,
): AsyncGenerator<readonly [row: T, result: Result]> {
  let waiting: T[] = [];
  let batch: Prepared[] = [];
  let tokens = 0;
  let underWay: (() => Promise<readonly (readonly [T, Result])[]>) | undefined;
  const launch = (): NonNullable<typeof underWay> => {
    const [members, results] = [waiting, begin(batch)];
    return async () => {
      const all = await results();
      return members.map((row, i) => [row, all[i]!] as const);
    };
  };
  for await (const row of rows) {
    const prepared = prepare(row);
    const own = tokensOf(prepared, batch.at(-1));
    if (batch.length > 0 && tokens + own > maxTokens) {
      const before = underWay;
      underWay = launch();
      [waiting, batch, tokens] = [[], [], 0];
      if (before) yield* await before();
      await nextTurn();
    }
    waiting.push(row);
    batch.push(prepared);
    tokens += own;
  }
  const last = launch();
  if (underWay) yield* await underWay();
  yield* await last();
}
