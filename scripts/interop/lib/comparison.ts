/** One line of the table. */
export interface Comparison {
  readonly what: string;
  /** The worst difference, in words. */
  readonly result: string;
  readonly ok: boolean;
}

/** What a subject throws when the other side is not here. */
export class NotRun extends Error {
  /** How to get it: a command line. */
  readonly install: string;

  constructor(missing: string, install: string) {
    super(missing);
    this.name = "NotRun";
    this.install = install;
  }
}

/** Passes where the worst difference is within the tolerance. */
export function within(what: string, worst: number, tolerance: number, unit = ""): Comparison {
  return {
    what,
    result: `${worst === 0 ? "0" : worst.toExponential(1)}${unit} (tolerance ${tolerance.toExponential(0)})`,
    ok: worst <= tolerance,
  };
}
