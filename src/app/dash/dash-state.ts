/** What the dashboard knows of the runs below a folder. Files are its only source: there is nothing to keep. */
import { join } from "node:path";
import { ApiError } from "../serve/http/api-error.ts";
import type { HttpState } from "../serve/http/http-state.ts";
import { defaultLimits, type Limits } from "../serve/http/limits.ts";
import { findRuns } from "./find-runs.ts";
import { RunLog } from "./run-log.ts";
import { stampOf, summarise } from "./run-summary.ts";
import type { RunSummary } from "./wire.ts";

/** Logs that are held, in numbers; the one not asked for the longest goes first. */
const HELD_LOGS = 24;
/** Milliseconds that a look at the folders is good for. */
const FRESH = 3000;

export class DashState implements HttpState {
  readonly root: string;
  readonly limits: Limits;
  phase: HttpState["phase"] = "ready";
  readonly counters: HttpState["counters"] = { answered: () => {} };
  readonly gate: HttpState["gate"] = { enter: () => ({ [Symbol.dispose]: () => {} }) };
  readonly #logs = new Map<string, RunLog>();
  readonly #summaries = new Map<string, { readonly stamp: string; readonly summary: RunSummary }>();
  #ids: readonly string[] = [];
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** @param root absolute */
  constructor(root: string) {
    this.root = root;
    // Streams of changes stay open; pages open them anew after an hour.
    this.limits = { ...defaultLimits, bodyBytes: 1 << 14, requestTime: 3600, drainTime: 0.2, connections: 256 };
  }

  /** The newest first. */
  runs(): RunSummary[] {
    return this.ids()
      .map((id) => this.summary(id))
      .sort((a, b) => b.changed - a.changed);
  }

  ids(): readonly string[] {
    if (performance.now() - this.#lookedAt > FRESH) {
      this.#ids = findRuns(this.root);
      this.#lookedAt = performance.now();
    }
    return this.#ids;
  }

  /** Changes when a run does. */
  stamp(id: string): string {
    return stampOf(join(this.root, id));
  }

  /** @throws ApiError for a name that is no run: what is not found below the folder cannot be asked for */
  folderOf(id: string): string {
    if (this.ids().includes(id)) return join(this.root, id);
    throw new ApiError({ status: 404, message: "there is no such run", code: "unknown_run" });
  }

  /** How a run stands as of now. @param id one of `ids` */
  summary(id: string): RunSummary {
    const stamp = this.stamp(id);
    const known = this.#summaries.get(id);
    // A run that was killed changes no file: as long as it may be running, it is looked at again.
    if (known?.stamp === stamp && known.summary.status !== "running") return known.summary;
    const summary = summarise(this.root, id);
    this.#summaries.set(id, { stamp, summary });
    return summary;
  }

  /** Read up to its end as of now. @throws ApiError */
  log(id: string): RunLog {
    const folder = this.folderOf(id);
    const log = this.#logs.get(id) ?? new RunLog(folder);
    this.#logs.delete(id);
    this.#logs.set(id, log);
    if (this.#logs.size > HELD_LOGS) this.#logs.delete(this.#logs.keys().next().value!);
    log.update();
    return log;
  }
}
