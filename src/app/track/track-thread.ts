/** The program of the thread that trackers live in: what they wait for, training does not. */
import { parentPort, workerData } from "node:worker_threads";
import { openTrackers } from "./open-trackers.ts";
import { TrackFile } from "./track-file.ts";
import type { TrackMessage, TrackNote, TrackSetup } from "./track-message.ts";
import { TrackQueue } from "./track-queue.ts";

const { run, resumed, options, secrets } = workerData as TrackSetup;
const port = parentPort!;
const tell = (level: TrackNote["level"], message: string): void =>
  port.postMessage({ level, message: withoutSecrets(message) } satisfies TrackNote);
const file = new TrackFile(run.folder, !resumed, (message) => tell("warning", message));
const queues = Array.from(
  openTrackers(options, secrets),
  ([name, tracker]) => new TrackQueue({ name, tracker, run, file, tell }),
);
port.on("message", (message: TrackMessage) => {
  for (const queue of queues) {
    if (message.kind === "point") queue.add(message.point);
    else queue.finish(message.outcome, message.deadline);
  }
});
await Promise.all(queues.map((queue) => queue.deliver()));
// A request may still be under way, and nobody waits for it.
process.exit();

/** A server may say what it was sent. */
function withoutSecrets(message: string): string {
  const texts = Object.values(secrets).flatMap<string | undefined>((one) => Object.values(one));
  return texts.reduce<string>((text, secret) => (secret ? text.replaceAll(secret, "…") : text), message);
}
