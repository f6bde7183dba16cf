/** What a run's metrics.jsonl says, read on as it grows. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import type { LabelStanding, RunEvent } from "../../base/events.ts";
import type { Choice } from "../report/run-history.ts";
import { Columns } from "./columns.ts";
import type { RunDetail } from "./wire.ts";

const PIECE_BYTES = 1 << 20;
/** A longer line is no event of ours. */
const LONGEST_LINE = 1 << 22;

export class RunLog {
  readonly #path: string;
  #offset = 0;
  #rest: Buffer = Buffer.alloc(0);
  training: Columns = new Columns();
  validation: Columns = new Columns();
  /** F1 by label. */
  labels: Columns = new Columns();
  system: Columns = new Columns();
  choices: Map<string, Choice> = new Map();
  warnings: Set<string> = new Set();
  standings: Readonly<Record<string, LabelStanding>> | undefined;
  samples: RunDetail["samples"] | undefined;

  constructor(runFolder: string) {
    this.#path = join(runFolder, "metrics.jsonl");
  }

  /** Reads what has come since the last time. @returns whether anything has */
  update(): boolean {
    let file: number;
    try {
      file = openSync(this.#path, "r");
    } catch {
      return false;
    }
    try {
      const { size } = fstatSync(file);
      // A run that was begun anew, or gone on with from an earlier checkpoint, has a shorter file.
      if (size < this.#offset) this.#forget();
      if (size === this.#offset) return false;
      const piece = Buffer.alloc(Math.min(PIECE_BYTES, size - this.#offset));
      while (this.#offset < size) {
        const read = readSync(file, piece, 0, piece.length, this.#offset);
        if (read === 0) break;
        this.#offset += read;
        this.#take(piece.subarray(0, read));
      }
      return true;
    } finally {
      closeSync(file);
    }
  }

  #take(piece: Buffer): void {
    const all = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    let begin = 0;
    for (let end = all.indexOf(10, begin); end >= 0; end = all.indexOf(10, begin)) {
      this.#line(all.toString("utf8", begin, end));
      begin = end + 1;
    }
    const rest = all.subarray(begin);
    this.#rest = rest.length > LONGEST_LINE ? Buffer.alloc(0) : Buffer.from(rest);
  }

  #line(line: string): void {
    let event: RunEvent;
    try {
      event = JSON.parse(line);
    } catch {
      return;
    }
    switch (event?.kind) {
      case "step": {
        const { kind: _, step, ...figures } = event;
        this.training.add(step, numbersOf(figures));
        break;
      }
      case "evaluation":
        this.validation.add(event.step, numbersOf(event.metrics));
        if (event.labels !== undefined) {
          this.standings = event.labels;
          const f1 = Object.entries(event.labels).map(([name, { f1 }]) => [name, f1] as const);
          this.labels.add(event.step, Object.fromEntries(f1));
        }
        if (event.samples !== undefined) this.samples = { step: event.step, rows: event.samples };
        break;
      case "system": {
        const { cpu, memoryBytes, deviceBytes, seconds, gpus } = event;
        const busy = gpus.map(({ utilization }) => utilization);
        const mean = busy.length === 0 ? {} : { gpu: busy.reduce((sum, one) => sum + one, 0) / busy.length };
        this.system.add(seconds, { cpu, memoryBytes, deviceBytes, ...mean });
        break;
      }
      case "choice":
        this.choices.set(event.name, { name: event.name, value: event.value, reason: event.reason });
        break;
      case "note":
        if (event.level === "warning") this.warnings.add(event.message);
        break;
    }
  }

  #forget(): void {
    this.#offset = 0;
    this.#rest = Buffer.alloc(0);
    for (const name of ["training", "validation", "labels", "system"] as const) this[name] = new Columns();
    this.choices.clear();
    this.warnings.clear();
    this.standings = undefined;
    this.samples = undefined;
  }
}

function numbersOf(row: Readonly<Record<string, unknown>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(row).filter((entry): entry is [string, number] => Number.isFinite(entry[1])),
  );
}
