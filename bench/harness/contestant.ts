/**
 * A contestant is a fresh process that warms up and then measures on request, so that both sides of a comparison are
 * warm and can take turns. One JSON object a line on its stdout: a `Greeting` when it is warm, `{seconds: [...]}` for each
 * `{seconds}` it reads, `{peakBytes}`, the most memory it ever held, when its stdin ends.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { UserError } from "../../src/base/errors.ts";

export interface ContestantCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface Greeting {
  /** What runs, for people. */
  readonly description: string;
  /** Memory held before there was a model: the runtime and its libraries. */
  readonly idleBytes: number;
  /** Of the first batch before any update: both sides must agree on it. Absent where nothing is learnt. */
  readonly loss?: number;
}

export class Contestant {
  readonly name: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #closed: Promise<unknown>;
  #complaints = "";

  /** Starts the process. */
  constructor({ name, command, args, env }: ContestantCommand) {
    this.name = name;
    this.#child = spawn(command, args, { env: { ...process.env, ...env } });
    this.#closed = new Promise((resolve) => this.#child.once("close", resolve));
    // A process that could not start or has died says so by ending its output, which `#answer` reports.
    this.#child.on("error", (error) => this.#complain(error.message));
    this.#child.stdin.on("error", () => {});
    this.#child.stderr.on("data", (text: Buffer) => this.#complain(text.toString()));
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Waits until the process is warm. @throws UserError when it fails, with what it said. */
  greeting(): Promise<Greeting> {
    return this.#answer<Greeting>();
  }

  /** Seconds of each step, of as many steps as take `seconds`. */
  async measure(seconds: number): Promise<readonly number[]> {
    this.#child.stdin.write(`${JSON.stringify({ seconds })}\n`);
    return (await this.#answer<{ seconds: readonly number[] }>()).seconds;
  }

  /** Ends the process; the most memory it ever held, in bytes. */
  async finish(): Promise<number> {
    this.#child.stdin.end();
    const { peakBytes } = await this.#answer<{ peakBytes: number }>();
    await this.#closed;
    return peakBytes;
  }

  /** Ends the process whatever it is doing. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async #answer<T>(): Promise<T> {
    const { value, done } = await this.#lines.next();
    if (!done) return JSON.parse(value) as T;
    await this.#closed;
    throw new UserError({
      code: "bench/contestant-failed",
      message: `${this.name} ended without an answer`,
      where: this.#complaints.trim() || "it said nothing",
    });
  }

  /** Keeps the end of what the process says on stderr. */
  #complain(text: string): void {
    this.#complaints = (this.#complaints + text).slice(-4000);
  }
}
