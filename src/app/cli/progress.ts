/** How far a task is: a bar on a terminal, a line now and then elsewhere. */
import { SingleBar } from "cli-progress";
import type { RunEvent } from "../../base/events.ts";
import { formatCount, formatDuration } from "../report/format.ts";
import { printable } from "./printable.ts";

export type ProgressEvent = RunEvent & { readonly kind: "progress" };

export interface ProgressDisplay {
  readonly task: string;
  readonly update: (event: ProgressEvent) => void;
  /** Takes it off the screen, so that a line can be written. */
  readonly hide: () => void;
  readonly show: () => void;
}

/** Where there is no terminal, a task tells how far it is at each tenth of its way, and after this many ms at most. */
const LONGEST_SILENCE = 30_000;
/** Tenths that follow each other faster than this, in ms, are not worth a line each. */
const SHORTEST_SILENCE = 1000;

/** The time a task still needs, by its own pace since it was first heard of. */
class Pace {
  readonly #started = performance.now();
  readonly #doneBefore: number;

  constructor(first: ProgressEvent) {
    this.#doneBefore = first.done;
  }

  get elapsed(): number {
    return performance.now() - this.#started;
  }

  /** `1,200/3,000 steps, loss 0.41, examples/s 310, 12 s left` */
  describe({ done, total, unit, figures = {} }: ProgressEvent): string {
    const parts = [`${formatCount(done)}/${formatCount(total)} ${unit}`];
    for (const [name, value] of Object.entries(figures)) parts.push(`${name} ${value}`);
    const since = done - this.#doneBefore;
    if (since > 0 && done < total) parts.push(`${formatDuration((this.elapsed / 1000 / since) * (total - done))} left`);
    return printable(parts.join(", "));
  }
}

/** Cells of the bar, and of what stands around it and its figures. */
const BAR_WIDTH = 24;
const FRAME_WIDTH = "  100 %, ".length;

export class BarProgress implements ProgressDisplay {
  readonly task: string;
  readonly #stream: NodeJS.WriteStream;
  readonly #bar: SingleBar;
  readonly #pace: Pace;
  #latest: ProgressEvent;

  constructor(stream: NodeJS.WriteStream, first: ProgressEvent) {
    this.task = first.task;
    this.#stream = stream;
    this.#pace = new Pace(first);
    this.#latest = first;
    this.#bar = new SingleBar({
      format: `${printable(first.task)} {bar} {percentage} %, {figures}`,
      stream,
      barsize: BAR_WIDTH,
      barCompleteChar: "█",
      barIncompleteChar: "░",
      clearOnComplete: true,
      // Signals are the command's business; and what a killed process changed of the terminal would stay so.
      gracefulExit: false,
      hideCursor: null,
      linewrap: true,
    });
    this.show();
  }

  update(event: ProgressEvent): void {
    this.#latest = event;
    this.#bar.update(event.done, { figures: this.#figures() });
  }

  hide(): void {
    this.#bar.stop();
  }

  show(): void {
    const { total, done } = this.#latest;
    this.#bar.start(total, done, { figures: this.#figures() });
  }

  /** As much as the line has room for. */
  #figures(): string {
    const room = (this.#stream.columns || 80) - printable(this.task).length - BAR_WIDTH - FRAME_WIDTH;
    return this.#pace.describe(this.#latest).slice(0, Math.max(0, room));
  }
}

export class PlainProgress implements ProgressDisplay {
  readonly task: string;
  readonly #stream: NodeJS.WriteStream;
  readonly #pace: Pace;
  #lastLine = 0;
  #lastTenth = 0;

  constructor(stream: NodeJS.WriteStream, first: ProgressEvent) {
    this.task = first.task;
    this.#stream = stream;
    this.#pace = new Pace(first);
  }

  update(event: ProgressEvent): void {
    const now = this.#pace.elapsed;
    const tenth = Math.floor((10 * event.done) / event.total);
    const due = now - this.#lastLine >= LONGEST_SILENCE || tenth > this.#lastTenth;
    if (!due || now - this.#lastLine < SHORTEST_SILENCE) return;
    this.#lastLine = now;
    this.#lastTenth = tenth;
    this.#stream.write(`${printable(event.task)}: ${this.#pace.describe(event)}\n`);
  }

  hide(): void {}

  show(): void {}
}
