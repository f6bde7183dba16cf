import { createColors } from "picocolors";
import type { EventSink } from "../../base/events.ts";
import { wantsColors } from "../environment.ts";
import { EventPrinter } from "./event-printer.ts";

export interface TerminalOptions {
  /** Nothing for people goes to stdout, which is left to the one JSON object. */
  readonly json: boolean;
}

/** The two streams of a command: its answer on stdout, and what it says while it works on stderr. */
export class Terminal {
  readonly json: boolean;
  /** Colours for stdout; plain text where it is no terminal. */
  readonly colors: ReturnType<typeof createColors>;
  readonly colored: boolean;
  /** Nothing is written: another process speaks for this one. */
  muted = false;
  readonly #events: EventPrinter;
  #closed = false;

  constructor({ json }: TerminalOptions) {
    this.json = json;
    this.colored = wantsColors(process.stdout);
    this.colors = createColors(this.colored);
    this.#events = new EventPrinter(process.stderr);
    // `fettle … | head` closes the pipe before the last line; what is left has no reader.
    process.stdout.on("error", (error) => this.#close(error));
    process.stderr.on("error", () => {});
  }

  /** Draws progress and writes the rest of what a run says, on stderr. */
  readonly onEvent: EventSink = (event) => {
    if (!this.muted) this.#events.add(event);
  };

  /** True when nobody reads stdout any more: a command that only writes may stop. */
  get closed(): boolean {
    return this.#closed;
  }

  /** A line of the answer for people. */
  print(line = ""): void {
    this.write(`${line}\n`);
  }

  /** A piece of the answer for people. */
  write(text: string): void {
    if (!this.json) this.#out(text);
  }

  /** A line on stderr, above a progress bar if there is one. */
  log(line: string): void {
    if (!this.muted) this.#events.line(line);
  }

  /** The JSON object of `--json`. */
  printJson(value: object): void {
    this.#out(`${JSON.stringify(value)}\n`);
  }

  /** Ends progress; what follows is the answer. */
  endProgress(): void {
    this.#events.end();
  }

  #out(text: string): void {
    if (this.#closed || this.muted) return;
    this.#events.end();
    process.stdout.write(text);
  }

  #close(error: NodeJS.ErrnoException): void {
    if (error.code !== "EPIPE" && error.code !== "ERR_STREAM_DESTROYED") throw error;
    this.#closed = true;
  }
}
