/** A run that was stopped and gone on with, for those who were told of it. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type RecipeInput, train } from "../../../src/app/api/train.ts";
import { pointOf } from "../../../src/app/track/points.ts";
import type { RunEvent } from "../../../src/base/events.ts";
import { packageRoot } from "../../../src/base/package-root.ts";

export type Scalars = Readonly<Record<string, readonly (readonly [step: number, value: number])[]>>;

/** Stopped after step 7, with a checkpoint of step 7; then its trace is that of a crash after step 7, resumed from 4. */
export async function stoppedAndResumed(output: string, trackers: NonNullable<RecipeInput["trackers"]>): Promise<void> {
  const recipe: RecipeInput = {
    base: join(packageRoot, "models/fettle-nano"),
    data: {
      train: join(packageRoot, "examples/ag-news/train.jsonl"),
      validation: { fraction: 0.2 },
      limit: 100,
    },
    training: { batch_size: 8, logging_steps: 1 },
    evaluation: { eval_steps: 3 },
    checkpoints: { save_steps: 4 },
    trackers,
  };
  const stop = new AbortController();
  const onEvent = (event: RunEvent): void => {
    if (event.kind === "step" && event.step === 7) stop.abort();
  };
  await train(recipe, { output, signal: stop.signal, onEvent });
  rmSync(join(output, "checkpoints/step-000007"), { recursive: true });
  await train(recipe, { output, resume: true });
}

/** By name, as the run folder has them. */
export function scalarsOf(metrics: string): Scalars {
  const scalars: Record<string, [number, number][]> = {};
  let step = 0;
  for (const line of readFileSync(metrics, "utf8").trim().split("\n")) {
    const event = JSON.parse(line) as RunEvent;
    if (event.kind === "step") step = event.step;
    for (const [tag, value] of Object.entries(pointOf(event, step, 0)?.values ?? {})) {
      scalars[tag] = [...(scalars[tag] ?? []), [step, value]];
    }
  }
  return scalars;
}
