/** Bars that metrics must reach, for pipelines: `--require roc_auc=0.9`. */
import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";

export interface MetricBar {
  readonly name: string;
  readonly bar: number;
}

interface Measured {
  readonly value: number | null;
  readonly undefined?: string;
}

/** @throws UserError for what is no `metric=number` */
export function parseBar(text: string): MetricBar {
  const [, name, number] = /^([a-z0-9_]+)=(.+)$/.exec(text) ?? [];
  if (name !== undefined && number!.trim() !== "" && Number.isFinite(Number(number))) {
    return { name, bar: Number(number) };
  }
  throw new UserError({
    code: "cli/metric-bar",
    message: `--require ${text} is no bar for a metric`,
    fix: "write the metric's name as --json has it, =, and a number: --require roc_auc=0.9",
  });
}

/**
 * What is missed, a sentence each; a metric that is not defined misses every bar.
 * @param lowerIsBetter by a metric's name
 * @throws UserError for a metric that there is not
 */
export function missedBars(
  bars: readonly MetricBar[],
  metrics: Readonly<Record<string, Measured>>,
  lowerIsBetter: (name: string) => boolean,
): string[] {
  return bars.flatMap(({ name, bar }) => {
    const found = Object.hasOwn(metrics, name) ? metrics[name]! : undefined;
    if (found === undefined) {
      const message = `--require ${name}=${bar}: there is no such metric of these rows`;
      throw new UserError({ code: "cli/metric-bar", message, fix: suggestName(name, Object.keys(metrics)) });
    }
    if (found.value === null) return [`${name} is undefined: ${found.undefined}`];
    const lower = lowerIsBetter(name);
    if (lower ? found.value <= bar : found.value >= bar) return [];
    return [`${name} ${Number(found.value.toPrecision(4))} is ${lower ? "above" : "below"} the ${bar} asked for`];
  });
}
