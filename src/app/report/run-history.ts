import { createReadStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Ledger, RunEvent } from "../../base/events.ts";

export interface LossPoint {
  readonly step: number;
  readonly loss: number;
}

export interface Choice {
  readonly name: string;
  readonly value: string;
  readonly reason: string;
}

/** What a run's events say about its course. */
export interface RunHistory {
  readonly training: readonly LossPoint[];
  readonly validation: readonly LossPoint[];
  readonly choices: readonly Choice[];
  readonly warnings: readonly string[];
  readonly ledger: Ledger | undefined;
}

/**
 * Sums up events in their order. A run that was killed and resumed has repeated some steps: of each step the last
 * event counts, as of each choice. Validation losses are the `loss` of evaluation events.
 */
export class RunHistoryCollector {
  readonly #training = new Map<number, number>();
  readonly #validation = new Map<number, number>();
  readonly #choices = new Map<string, Choice>();
  readonly #warnings = new Set<string>();
  #ledger: Ledger | undefined;

  add(event: RunEvent): void {
    if (event.kind === "step") {
      this.#training.set(event.step, event.loss);
    } else if (event.kind === "evaluation") {
      const loss = event.metrics.loss;
      if (loss !== undefined) this.#validation.set(event.step, loss);
    } else if (event.kind === "choice") {
      const { name, value, reason } = event;
      this.#choices.set(name, { name, value, reason });
    } else if (event.kind === "note" && event.level === "warning") {
      this.#warnings.add(event.message);
    } else if (event.kind === "ledger") {
      this.#ledger = event.ledger;
    }
  }

  finish(): RunHistory {
    return {
      training: toPoints(this.#training),
      validation: toPoints(this.#validation),
      choices: [...this.#choices.values()],
      warnings: [...this.#warnings],
      ledger: this.#ledger,
    };
  }
}

/** The history of a run folder, from its `metrics.jsonl`. A last line cut short by a kill is passed over. */
export async function readRunHistory(runFolder: string): Promise<RunHistory> {
  const collector = new RunHistoryCollector();
  const lines = createInterface({ input: createReadStream(join(runFolder, "metrics.jsonl"), "utf8") });
  for await (const line of lines) {
    const event = parseEvent(line);
    if (event !== undefined) collector.add(event);
  }
  return collector.finish();
}

function parseEvent(line: string): RunEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && "kind" in value ? (value as RunEvent) : undefined;
  } catch {
    return undefined;
  }
}

function toPoints(losses: ReadonlyMap<number, number>): LossPoint[] {
  const points = Array.from(losses, ([step, loss]) => ({ step, loss }));
  return points.filter(({ loss }) => Number.isFinite(loss)).sort((a, b) => a.step - b.step);
}
