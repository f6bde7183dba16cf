/** How a run stands, from run.json, its lock and the end of its log: cheap for hundreds of runs. */
import { closeSync, fstatSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { RunEvent } from "../../base/events.ts";
import { livingHolder } from "../../model/files/lock-file.ts";
import { type RunInfo, readRunInfo } from "../../tune/train/run-folder.ts";
import type { RunSummary } from "./wire.ts";

/** Enough for the last step and evaluation of nearly every run. */
const TAIL_BYTES = 1 << 16;

/** Changes with whatever a summary is made of. */
export function stampOf(folder: string): string {
  return ["run.json", "metrics.jsonl", "run.lock"]
    .map((name) => {
      const stats = statOf(join(folder, name));
      return stats === undefined ? "-" : `${stats.mtimeMs}:${stats.size}`;
    })
    .join(" ");
}

export function summarise(root: string, id: string): RunSummary {
  const folder = join(root, id);
  const changed = statOf(join(folder, "metrics.jsonl"))?.mtimeMs ?? statOf(join(folder, "run.json"))?.mtimeMs ?? 0;
  let info: RunInfo;
  try {
    info = readRunInfo(folder);
  } catch (error) {
    return {
      ...{ id, status: "unreadable", method: "", base: "", step: 0, totalSteps: 0, seconds: 0, loss: null },
      ...{ metrics: {}, changed, here: false, problem: error instanceof Error ? error.message : String(error) },
    };
  }
  const holder = livingHolder(join(folder, "run.lock"));
  const last = lastEvents(join(folder, "metrics.jsonl"));
  const killed = info.status === "running" && holder === undefined;
  return {
    id,
    // Of a run that goes on, run.json is rewritten only at its next checkpoint.
    status: killed ? "killed" : holder === undefined ? info.status : "running",
    method: info.method,
    base: info.hub?.repo ?? info.base.split(/[/\\]/).at(-1)!,
    step: Math.max(info.steps, last.step?.step ?? 0),
    totalSteps: info.totalSteps,
    seconds: Math.max(info.seconds, last.step?.seconds ?? 0),
    loss: last.step?.loss ?? null,
    metrics: last.evaluation?.metrics ?? {},
    changed,
    here: holder !== undefined && holder.host === hostname(),
    problem: null,
  };
}

type EventOf<Kind extends RunEvent["kind"]> = Extract<RunEvent, { readonly kind: Kind }>;

function lastEvents(path: string): { readonly step?: EventOf<"step">; readonly evaluation?: EventOf<"evaluation"> } {
  const found: { step?: EventOf<"step">; evaluation?: EventOf<"evaluation"> } = {};
  // The first line of the tail may have lost its beginning; it is no JSON then.
  for (const line of tailOf(path).split("\n").reverse()) {
    if (found.step && found.evaluation) break;
    try {
      const event = JSON.parse(line) as RunEvent;
      if (event.kind === "step") found.step ??= event;
      if (event.kind === "evaluation") found.evaluation ??= event;
    } catch {
      // Cut by a kill, or by us.
    }
  }
  return found;
}

function tailOf(path: string): string {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return "";
  }
  try {
    const { size } = fstatSync(file);
    const tail = Buffer.alloc(Math.min(TAIL_BYTES, size));
    return tail.toString("utf8", 0, readSync(file, tail, 0, tail.length, size - tail.length));
  } finally {
    closeSync(file);
  }
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
