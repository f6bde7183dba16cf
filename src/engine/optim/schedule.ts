/** Learning-rate schedules, as factors of the base rate; the formulas of transformers' `get_scheduler`. */
export type ScheduleName = "linear" | "cosine" | "constant";

export interface ScheduleSpan {
  /** Steps over which the rate rises from 0. */
  readonly warmup: number;
  /** Optimizer steps of the whole run. */
  readonly total: number;
}

/**
 * Factor for the step after `step` completed ones: the first step uses `step` 0. `linear` falls to 0 at `total`, `cosine`
 * along half a wave, `constant` stays (with a warm-up it is transformers' `constant_with_warmup`).
 */
export function learningRateFactor(schedule: ScheduleName, step: number, { warmup, total }: ScheduleSpan): number {
  if (step < warmup) return step / warmup;
  const span = Math.max(1, total - warmup);
  switch (schedule) {
    case "linear":
      return Math.max(0, (total - step) / span);
    case "cosine":
      return step >= total ? 0 : (1 + Math.cos((Math.PI * (step - warmup)) / span)) / 2;
    case "constant":
      return 1;
  }
}

/** Warm-up steps from a recipe's two ways to say it; a number of steps wins over a share of the run. */
export function warmupSteps(total: number, options: { readonly steps: number; readonly ratio: number }): number {
  return options.steps > 0 ? options.steps : Math.ceil(total * options.ratio);
}
