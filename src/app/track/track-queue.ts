/** Points on their way to one tracker: they wait, are sent again after a failure, and the oldest give way. */
import { messageOf } from "../../base/errors.ts";
import type { TrackFile } from "./track-file.ts";
import { type Outcome, type Point, Refusal, type TrackedRun, type Tracker } from "./tracker.ts";

export interface QueueOptions {
  readonly name: string;
  readonly tracker: Tracker;
  readonly run: TrackedRun;
  readonly file: TrackFile;
  readonly tell: (level: "info" | "warning", message: string) => void;
  /** Most points that wait. */
  readonly most?: number;
  /** Milliseconds between two deliveries. */
  readonly period?: number;
}

/** Of one delivery. */
const BATCH = 500;
/** Milliseconds before the first new try, doubled with each up to the last. */
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 60_000;

export class TrackQueue {
  readonly #options: QueueOptions;
  #waiting: Point[] = [];
  #dropped = 0;
  #failures = 0;
  #opened = false;
  #gaveUp = false;
  #end: { readonly outcome: Outcome; readonly deadline: number } | undefined;
  #wake: () => void = () => {};
  /** Points of the delivery under way. */
  #sending = 0;
  readonly #late: Promise<never>;
  #endLate: (error: Error) => void = () => {};

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#late = new Promise((_, reject) => {
      this.#endLate = reject;
    });
    // Whoever waits for it hears of it.
    this.#late.catch(() => {});
  }

  add(point: Point): void {
    if (this.#gaveUp) return;
    const { file, name, tracker, most = 10_000 } = this.#options;
    if (!tracker.takesBack && point.step <= file.sentBefore(name, point.kind)) return;
    this.#waiting.push(point);
    this.#keepTo(most);
  }

  /** Sends what there is until `finish`, and the rest. Never throws. */
  async deliver(): Promise<void> {
    const { period = 1000 } = this.#options;
    for (;;) {
      try {
        await Promise.race([this.#send(), this.#late]);
        const end = this.#end;
        if (end && this.#waiting.length === 0) {
          if (this.#opened) await Promise.race([this.#options.tracker.close(end.outcome), this.#late]);
          break;
        }
        if (!end) await this.#sleep(period);
      } catch (error) {
        this.#failed(error);
        const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(10, this.#failures - 1));
        const end = this.#end;
        // One that was never reached is not waited for.
        if (this.#gaveUp || (end && (!this.#opened || Date.now() + FIRST_WAIT >= end.deadline))) break;
        await this.#sleep(end ? FIRST_WAIT : wait);
      }
    }
    this.#tellLoss();
  }

  /** @param deadline after which nothing is tried again, in milliseconds since 1970 */
  finish(outcome: Outcome, deadline: number): void {
    this.#end = { outcome, deadline };
    const late = (): void => this.#endLate(new Error("it takes too long to answer"));
    setTimeout(late, deadline - Date.now()).unref();
    this.#wake();
  }

  async #send(): Promise<void> {
    const { name, tracker, run, file } = this.#options;
    if (!this.#opened && this.#waiting.length > 0) {
      const before = file.kept(name);
      const { kept, where } = await tracker.open(run, before);
      file.keep(name, kept);
      this.#opened = true;
      this.#options.tell("info", `${tracker.title}: ${before ? "goes on in " : ""}${where}${this.#overlap()}`);
    }
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      this.#sending = batch.length;
      try {
        await tracker.write(batch);
      } catch (error) {
        this.#sending = 0;
        this.#waiting.unshift(...batch);
        this.#keepTo(this.#options.most ?? 10_000);
        throw error;
      }
      this.#sending = 0;
      file.noteSent(name, batch);
      this.#recovered();
    }
  }

  /** What a run that goes on from before its last step does about the steps told twice. */
  #overlap(): string {
    const { name, tracker, run, file } = this.#options;
    const sent = file.sentBefore(name, "step");
    if (run.firstStep > sent) return "";
    return tracker.takesBack
      ? `; steps from ${run.firstStep} to ${sent}, told before they were cut off, are replaced`
      : `; steps up to ${sent} were told before they were cut off, and are not told again`;
  }

  #failed(error: unknown): void {
    const { tracker, tell } = this.#options;
    this.#failures++;
    if (error instanceof Refusal) {
      this.#gaveUp = true;
      tell("warning", `${tracker.title} takes nothing of this run, which goes on without it: ${messageOf(error)}`);
    } else if (this.#failures === 1) {
      const then = "training goes on, and it is tried again";
      tell("warning", `${tracker.title} cannot be told of this run: ${messageOf(error)}; ${then}`);
    }
  }

  #recovered(): void {
    if (this.#failures > 0) this.#options.tell("info", `${this.#options.tracker.title} is reached again`);
    this.#failures = 0;
  }

  #keepTo(most: number): void {
    const over = this.#waiting.length - most;
    if (over <= 0) return;
    this.#waiting = this.#waiting.slice(over);
    this.#dropped += over;
  }

  #tellLoss(): void {
    const lost = this.#dropped + this.#waiting.length + this.#sending;
    const { name, tracker, file, tell } = this.#options;
    if (lost === 0) return;
    file.noteLost(name, lost);
    tell("info", `${tracker.title} was not told of ${lost} points; metrics.jsonl in the run folder has them all`);
  }

  /** Until then, or until `finish`. */
  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
