/** The program of a thread that runs jobs: see `JobThread`. */
import { parentPort, workerData } from "node:worker_threads";
import type { JobModule } from "./job.ts";
import { answerOfError, type ThreadAnswer } from "./thread-answer.ts";

const { module, setup } = workerData as { readonly module: string; readonly setup: unknown };
const port = parentPort!;
const { start, handedOver } = (await import(module)) as JobModule<unknown, unknown, unknown>;
const job = start(setup);
port.on("message", (input: unknown) => {
  try {
    const output = job(input);
    port.postMessage({ kind: "output", output } satisfies ThreadAnswer, handedOver(output));
  } catch (error) {
    port.postMessage(answerOfError(error));
  }
});
port.postMessage({ kind: "ready" } satisfies ThreadAnswer);
