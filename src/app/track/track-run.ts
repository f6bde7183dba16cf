/** Tells trackers of a run while it trains: between the run's events and the thread that the trackers live in. */
import { basename } from "node:path";
import { Worker } from "node:worker_threads";
import { messageOf } from "../../base/errors.ts";
import type { EventSink, RunEvent } from "../../base/events.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import { readRunInfo } from "../../tune/train/run-folder.ts";
import { trackerSecrets } from "../environment.ts";
import { factsOf } from "./facts.ts";
import { pointOf } from "./points.ts";
import type { TrackMessage, TrackNote, TrackSetup } from "./track-message.ts";
import type { Facts, Outcome } from "./tracker.ts";

/** Milliseconds for what still waits when training is over. */
const FLUSH = 10_000;

/** Give it every event, and the end; without trackers in the recipe it only passes events on. */
export class RunTracking {
  readonly #recipe: Recipe;
  readonly #resume: boolean;
  readonly #onEvent: EventSink;
  readonly #choices: Record<string, string> = {};
  #worker: Worker | undefined;
  #over: Promise<void> = Promise.resolve();
  #failed = false;
  #step = 0;

  /** @param resume the run may go on from a checkpoint */
  constructor(recipe: Recipe, resume: boolean, onEvent: EventSink) {
    this.#recipe = recipe;
    this.#resume = resume;
    this.#onEvent = onEvent;
  }

  readonly onEvent: EventSink = (event) => {
    this.#onEvent(event);
    if (Object.keys(this.#recipe.trackers).length === 0 || this.#failed) return;
    try {
      this.#follow(event);
    } catch (error) {
      this.#fail(error);
    }
  };

  /** Waits, for a limited time, until the trackers have everything. */
  async finish(status: Outcome["status"]): Promise<void> {
    const worker = this.#worker;
    if (!worker || this.#failed) return;
    const deadline = Date.now() + FLUSH;
    worker.ref();
    this.#post({ kind: "finish", outcome: { status, facts: this.#runFacts() }, deadline });
    // A thread that hangs is left behind.
    const timer = setTimeout(() => this.#giveUp(worker), FLUSH + 1000);
    await this.#over;
    clearTimeout(timer);
  }

  #follow(event: RunEvent): void {
    if (event.kind === "choice") this.#choices[event.name] = event.value;
    if (event.kind === "step" || event.kind === "evaluation") this.#step = event.step;
    const point = pointOf(event, this.#step, Date.now());
    if (!point) return;
    this.#worker ??= this.#start(point.step, point.time);
    this.#post({ kind: "point", point });
  }

  #start(firstStep: number, time: number): Worker {
    const { output: folder } = this.#recipe;
    const config = { ...factsOf(this.#recipe), ...factsOf(this.#choices, "choices.") };
    const run = { folder, name: basename(folder), config, time, firstStep };
    const setup: TrackSetup = { run, resumed: this.#resume, options: this.#recipe.trackers, secrets: trackerSecrets() };
    const worker = new Worker(new URL("./track-thread.js", import.meta.url), { workerData: setup });
    worker.on("message", ({ level, message }: TrackNote) => this.#onEvent({ kind: "note", level, message }));
    this.#over = new Promise((resolve) => {
      worker.on("error", (error) => {
        this.#fail(error);
        resolve();
      });
      worker.on("exit", () => resolve());
    });
    worker.unref();
    return worker;
  }

  #post(message: TrackMessage): void {
    this.#worker?.postMessage(message);
  }

  /** How the run stands, from run.json. */
  #runFacts(): Facts {
    try {
      const { version: _, template: __, columns: ___, ...info } = readRunInfo(this.#recipe.output);
      return factsOf(info);
    } catch {
      // The run failed for what keeps run.json from being read.
      return {};
    }
  }

  #giveUp(worker: Worker): void {
    this.#onEvent({ kind: "note", level: "warning", message: "trackers took too long to be told of the end" });
    void worker.terminate();
  }

  #fail(error: unknown): void {
    this.#failed = true;
    const message = `trackers are not told of this run any more, which goes on without them: ${messageOf(error)}`;
    this.#onEvent({ kind: "note", level: "warning", message });
  }
}
