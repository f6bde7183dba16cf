import { createColors } from "picocolors";
import type { RunEvent } from "../../base/events.ts";
import { wantsColors } from "../environment.ts";
import { formatCount, formatFigure } from "../report/format.ts";
import { forecastLines } from "./forecast-lines.ts";
import { printable } from "./printable.ts";
import { BarProgress, PlainProgress, type ProgressDisplay, type ProgressEvent } from "./progress.ts";

/** What a run says, for people: choices, warnings and results as lines, and how far it is. */
export class EventPrinter {
  readonly #stream: NodeJS.WriteStream;
  readonly #colors: ReturnType<typeof createColors>;
  #progress: ProgressDisplay | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#colors = createColors(wantsColors(stream));
  }

  add(event: RunEvent): void {
    if (event.kind === "progress") this.#show(event);
    const line = this.#lineOf(event);
    if (line !== undefined) this.line(line);
  }

  /** A line of its own, above the bar. */
  line(text: string): void {
    this.#progress?.hide();
    this.#stream.write(`${text}\n`);
    this.#progress?.show();
  }

  /** Takes the bar off the screen. */
  end(): void {
    this.#progress?.hide();
    this.#progress = undefined;
  }

  #show(event: ProgressEvent): void {
    if (this.#progress?.task !== event.task) {
      this.end();
      this.#progress = this.#stream.isTTY
        ? new BarProgress(this.#stream, event)
        : new PlainProgress(this.#stream, event);
    }
    this.#progress.update(event);
    if (event.done === event.total) this.end();
  }

  #lineOf(event: RunEvent): string | undefined {
    const { dim, yellow } = this.#colors;
    switch (event.kind) {
      case "choice":
        return `${printable(`${event.name}: ${event.value}`)} ${dim(printable(`(${event.reason})`))}`;
      case "note":
        return event.level === "info" ? printable(event.message) : yellow(printable(`warning: ${event.message}`));
      case "evaluation": {
        const metrics = Object.entries(event.metrics).map(([name, value]) => `${name} ${formatFigure(value)}`);
        return `step ${formatCount(event.step)}: validation ${metrics.join(", ")}`;
      }
      case "forecast":
        return forecastLines(event.forecast).join("\n");
      case "checkpoint":
        return event.best ? dim(`step ${formatCount(event.step)} is the best so far`) : undefined;
      default:
        return undefined;
    }
  }
}
