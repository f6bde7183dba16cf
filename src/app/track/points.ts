/** Events of a run as numbers under the names that trackers show. */
import type { LabelStanding, RunEvent, SystemUse } from "../../base/events.ts";
import type { Point } from "./tracker.ts";

/**
 * @param step the last one told, for events that name none
 * @returns undefined for an event without numbers to follow
 */
export function pointOf(event: RunEvent, step: number, time: number): Point | undefined {
  switch (event.kind) {
    case "step":
      return {
        ...{ kind: "step", step: event.step, time },
        values: {
          "train/loss": event.loss,
          "train/grad_norm": event.gradNorm,
          "train/learning_rate": event.learningRate,
          "train/epoch": event.epoch,
          "train/examples_per_second": event.examplesPerSecond,
          "train/tokens_per_second": event.tokensPerSecond,
          "train/tokens": event.tokens,
          "train/tokens_computed": event.tokensComputed,
          "train/seconds": event.seconds,
        },
      };
    case "evaluation":
      return {
        ...{ kind: "evaluation", step: event.step, time },
        values: { ...prefixed("eval", event.metrics), ...labelValues(event.labels ?? {}) },
      };
    case "system":
      return { kind: "system", step, time, values: systemValues(event) };
    default:
      return undefined;
  }
}

function labelValues(labels: Readonly<Record<string, LabelStanding>>): Record<string, number> {
  const entries = Object.entries(labels).flatMap(([label, { precision, recall, f1 }]) =>
    Object.entries({ precision, recall, f1 }).map(([name, value]) => [`eval/${name}/${label}`, value] as const),
  );
  return Object.fromEntries(entries);
}

function systemValues({ cpu, memoryBytes, deviceBytes, gpus }: SystemUse): Record<string, number> {
  const cards = gpus.map(({ utilization, memoryBytes: memory, celsius, watts }, i) =>
    prefixed(`system/gpu.${i}`, { utilization, memory_bytes: memory, celsius, watts }),
  );
  const own = { cpu, memory_bytes: memoryBytes, device_bytes: deviceBytes };
  return Object.assign(prefixed("system", own), ...cards);
}

function prefixed(prefix: string, values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}/${name}`, value]));
}
