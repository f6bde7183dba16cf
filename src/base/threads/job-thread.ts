import { Worker } from "node:worker_threads";
import { outputOf, type ThreadAnswer } from "./thread-answer.ts";

interface Waiting<Output> {
  readonly resolve: (output: Output) => void;
  readonly reject: (error: unknown) => void;
}

/** A thread that does one job again and again. */
export class JobThread<Setup, Input, Output> {
  readonly #worker: Worker;
  readonly #waiting: Waiting<Output>[] = [];
  #ready = false;
  #failure: unknown;

  /** Starts it. @param module exports a `JobModule` */
  constructor(module: URL, setup: Setup) {
    this.#worker = new Worker(new URL("./thread-main.js", import.meta.url), {
      workerData: { module: module.href, setup },
    });
    this.#worker.on("message", (answer: ThreadAnswer<Output>) => {
      if (answer.kind === "ready") this.#ready = true;
      else this.#settle(answer);
    });
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", () => this.#fail(new Error("a thread ended by itself")));
  }

  /** Whether it can take inputs at once: loading its module and what the job needs may take a second. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Inputs without an output yet. */
  get load(): number {
    return this.#waiting.length;
  }

  /** Outputs come in the order of the inputs. @throws what the job throws */
  run(input: Input): Promise<Output> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const output = new Promise<Output>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.#worker.postMessage(input);
    return output;
  }

  /** Ends it, whatever it is doing. */
  async end(): Promise<void> {
    this.#worker.removeAllListeners("exit");
    await this.#worker.terminate();
  }

  #settle(answer: Exclude<ThreadAnswer<Output>, { kind: "ready" }>): void {
    const { resolve, reject } = this.#waiting.shift()!;
    try {
      resolve(outputOf(answer));
    } catch (error) {
      reject(error);
    }
  }

  #fail(error: unknown): void {
    this.#failure = error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
