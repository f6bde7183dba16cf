/** The tasks that a project has, by what they hold. */
import { createHash } from "node:crypto";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { asRecord } from "../../tune/data/label-studio/control-answer.ts";
import type { LabelStudioClient } from "./client.ts";

/** Tasks asked for at once. */
const PAGE = 100;

export interface ExistingTask {
  readonly id: number;
  /** Versions of models that have a prediction for it. */
  readonly modelVersions: readonly string[];
}

/** What a task that was pushed from here is recognised by: a hash of its data, in its `meta`. */
export function taskHash(data: Readonly<Record<string, unknown>>): string {
  return createHash("sha256").update(JSON.stringify(data, sortedKeys)).digest("hex").slice(0, 32);
}

/** The tasks that were pushed from here, by their hash. */
export async function existingTasks(
  client: LabelStudioClient,
  project: number,
  onEvent: EventSink,
): Promise<Map<string, ExistingTask>> {
  const found = new Map<string, ExistingTask>();
  for await (const task of listTasks(client, project, "id,meta,predictions_model_versions", onEvent)) {
    const { id, meta, predictions_model_versions: versions } = task;
    const { fettle } = asRecord(meta);
    if (typeof id !== "number" || typeof fettle !== "string") continue;
    found.set(fettle, { id, modelVersions: String(versions ?? "").split(",") });
  }
  return found;
}

/**
 * All tasks of a project, a page at a time.
 * @param include names of the members wanted, separated by commas; undefined: all
 */
export async function* listTasks(
  client: LabelStudioClient,
  project: number,
  include: string | undefined,
  onEvent: EventSink,
): AsyncGenerator<Readonly<Record<string, unknown>>> {
  const wanted = include === undefined ? "" : `&include=${include}`;
  let seen = 0;
  for (let page = 1; ; page++) {
    const path = `/api/tasks?project=${project}&page=${page}&page_size=${PAGE}&fields=all${wanted}`;
    const { tasks, total } = asRecord(await client.get(path));
    if (!Array.isArray(tasks) || typeof total !== "number") {
      throw new UserError({
        code: "label-studio/bad-answer",
        message: "the Label Studio server lists its tasks in a way that is not known",
        where: client.access.url,
        fix: "take a server of version 1.5 or newer",
      });
    }
    for (const task of tasks) yield asRecord(task);
    seen += tasks.length;
    onEvent({
      kind: "progress",
      task: "fetching tasks",
      done: Math.min(seen, total),
      total: Math.max(total, 1),
      unit: "tasks",
    });
    if (seen >= total || tasks.length === 0) return;
  }
}

function sortedKeys(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
