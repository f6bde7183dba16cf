import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunEvent } from "../../base/events.ts";
import { pointOf } from "./points.ts";
import type { Point, TrackedRun } from "./tracker.ts";

/** What the run folder has of a run before its first step of this process. */
export async function earlierPoints({ folder, firstStep }: TrackedRun): Promise<Point[]> {
  const points: Point[] = [];
  let step = 0;
  for (const line of (await readFile(join(folder, "metrics.jsonl"), "utf8")).split("\n")) {
    // The last line may be under way.
    if (!line.endsWith("}")) continue;
    const { time, ...event } = JSON.parse(line) as RunEvent & { readonly time: string };
    if (event.kind === "step" || event.kind === "evaluation") step = event.step;
    if (step >= firstStep) break;
    const point = pointOf(event, step, Date.parse(time));
    if (point) points.push(point);
  }
  return points;
}
