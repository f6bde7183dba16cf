/** What is said about the steps since the last logged one, and the time that training has taken. */
import type { Ledger, RunEvent } from "../../base/events.ts";
import type { EncodedExample } from "../data/pack.ts";
import type { StepOutcome } from "./step.ts";

export class LossWindow {
  readonly #secondsBefore: number;
  readonly #started = performance.now();
  #since = performance.now();
  #steps = 0;
  #examples = 0;
  #tokens = 0;
  #loss = 0;
  #gradNorm = 0;
  #lastLoss = 0;
  #rate = 0;

  /** @param secondsBefore training time of the run before it was resumed */
  constructor(secondsBefore: number) {
    this.#secondsBefore = secondsBefore;
  }

  add({ loss, gradNorm }: StepOutcome, examples: readonly EncodedExample[]): void {
    this.#steps++;
    this.#examples += examples.length;
    for (const { ids } of examples) this.#tokens += ids.length;
    this.#loss += loss;
    this.#gradNorm = gradNorm;
    this.#lastLoss = this.#loss / this.#steps;
    this.#rate = this.#examples / ((performance.now() - this.#since) / 1000);
  }

  /** Of the whole run, resumed parts included. */
  seconds(): number {
    return this.#secondsBefore + (performance.now() - this.#started) / 1000;
  }

  progress(step: number, total: number): RunEvent {
    const figures = { loss: this.#lastLoss.toFixed(4), "examples/s": this.#rate.toFixed(1) };
    return { kind: "progress", task: "train", done: step, total, unit: "steps", figures };
  }

  /** The step event of the window, and a new window. Loss is the mean over its steps. */
  flush(step: number, epoch: number, learningRate: number, { tokens, tokensComputed }: Ledger): RunEvent {
    const elapsed = (performance.now() - this.#since) / 1000;
    const event: RunEvent = {
      kind: "step",
      step,
      epoch,
      loss: this.#loss / this.#steps,
      gradNorm: this.#gradNorm,
      learningRate,
      examplesPerSecond: this.#examples / elapsed,
      tokensPerSecond: this.#tokens / elapsed,
      seconds: this.seconds(),
      tokens,
      tokensComputed,
    };
    this.#since = performance.now();
    this.#steps = 0;
    this.#examples = 0;
    this.#tokens = 0;
    this.#loss = 0;
    return event;
  }
}
