import type { Interval } from "../bootstrap.ts";

/** A figure of the rows at hand; plain JSON. */
export interface Estimate {
  /** Null where the metric is not defined on these rows. */
  readonly value: number | null;
  /** 95 %, by bootstrap; null where there is nothing to draw from. */
  readonly interval: Interval | null;
}
