/**
 * The group of a job's processes, over TCP by way of rank 0. Waiting is synchronous, as all of training is; connections
 * are held by a thread, which also sees when another process is gone.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { deserialize, serialize } from "node:v8";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { messageOf, UserError } from "../../../base/errors.ts";
import { packageVersion } from "../../../base/package-root.ts";
import type { Failure, LinkAnswer, LinkLimits, LinkRequest, LinkThreadData } from "./link-messages.ts";
import type { ProcessGroup } from "./process-group.ts";
import type { ProcessPlace } from "./process-place.ts";

/** Why this process ends with the others; `silent` where another one tells the user. */
export class ProcessesError extends UserError {
  readonly silent: boolean;

  constructor({ silent = false, ...parts }: Failure) {
    super(parts);
    this.silent = silent;
  }
}

const usualLimits: LinkLimits = { join: 300_000, alive: 2000, silence: 30_000, end: 30_000 };

/** So long at a time, in ms, nothing but a message wakes a process that waits. */
const WAIT_MS = 1000;
/** For the thread to pass on why this process failed, and to say goodbye. */
const LAST_WORDS_MS = 6000;

type DataAnswer = LinkAnswer & { readonly kind: "data" };

export class Link implements ProcessGroup {
  readonly rank: number;
  readonly size: number;
  readonly place: ProcessPlace;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #control = new Int32Array(new SharedArrayBuffer(8));
  /** What came before it was asked for, by rank. */
  readonly #queues: DataAnswer[][];
  #sent = 0;
  #received: number[];
  #failure: Failure | undefined;
  #closed = false;

  private constructor(place: ProcessPlace, limits: LinkLimits) {
    this.place = place;
    this.rank = place.rank;
    this.size = place.size;
    this.#queues = Array.from({ length: place.size }, () => []);
    this.#received = Array.from({ length: place.size }, () => 0);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const data: LinkThreadData = { place, port: port2, control: this.#control, version: packageVersion, limits };
    this.#worker = new Worker(new URL("./link-thread.js", import.meta.url), {
      workerData: data,
      transferList: [port2],
    });
    // A bug in the thread must not leave the process waiting for it.
    this.#worker.on("error", (error) => {
      if (!this.#closed) throw error;
    });
    this.#worker.unref();
    port1.unref();
  }

  /**
   * Comes together with the other processes of the job.
   * @param signal ends the waiting for them
   * @throws UserError when they do not come in time, or are of another version
   */
  static async open(place: ProcessPlace, signal?: AbortSignal, limits: LinkLimits = usualLimits): Promise<Link> {
    const link = new Link(place, limits);
    for (;;) {
      const answer = link.#next();
      if (answer?.kind === "joined") return link;
      if (signal?.aborted) {
        link.close();
        throw new UserError({
          code: "processes/interrupted",
          message: "stopped while waiting for the other processes",
        });
      }
      if (answer === undefined) {
        if (link.#failure !== undefined) {
          link.#end();
          throw new ProcessesError(link.#failure);
        }
        await sleep(5);
      }
    }
  }

  share<T>(value: T): T {
    return deserialize(this.shareBytes(this.rank === 0 ? serialize(value) : new Uint8Array(0))) as T;
  }

  gather<T>(value: T): T[] {
    const all = this.gatherBytes(serialize(value));
    return this.share(all?.map((bytes) => deserialize(bytes) as T) ?? []);
  }

  gatherBytes(bytes: Uint8Array): Uint8Array[] | undefined {
    if (this.rank !== 0) {
      this.#send(bytes);
      return undefined;
    }
    return Array.from({ length: this.size }, (_, rank) => (rank === 0 ? bytes : this.#receive(rank)));
  }

  shareBytes(bytes: Uint8Array): Uint8Array {
    if (this.rank !== 0) return this.#receive(0);
    this.#send(bytes);
    return bytes;
  }

  check(): void {
    if (Atomics.load(this.#control, 1) === 0) return;
    for (let answer = this.#next(); answer !== undefined; answer = this.#next()) this.#keep(answer);
    if (this.#failure !== undefined) throw new ProcessesError(this.#failure);
  }

  /**
   * Tells the others why this process ends, so that they end too.
   * @returns whether another process tells the user of it
   */
  fail(error: unknown): boolean {
    if (this.#closed) return false;
    const { code, where, fix } = error instanceof UserError ? error : { code: "bug", where: undefined, fix: undefined };
    const message = code === "bug" && error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
    const failure = { code, where, fix, message };
    this.#request({ kind: "fail", failure });
    const answer = this.#await("told");
    const told = answer?.kind === "told" && answer.told;
    this.#end();
    return told;
  }

  /** Says goodbye. Others may still be at work: whoever must wait for them shares something before. */
  close(): void {
    if (this.#closed) return;
    this.#request({ kind: "close" });
    this.#await("closed");
    this.#end();
  }

  #end(): void {
    this.#closed = true;
    this.#port.close();
    // It is left to send what it has, and keeps nobody from ending.
    setTimeout(() => void this.#worker.terminate(), 200).unref();
  }

  #request(request: LinkRequest): void {
    this.#port.postMessage(request);
  }

  #send(payload: Uint8Array): void {
    this.check();
    this.#request({ kind: "send", number: this.#sent++, payload });
  }

  #receive(rank: number): Uint8Array {
    for (;;) {
      const queued = this.#queues[rank]!.shift();
      if (queued !== undefined) {
        const expected = this.#received[rank]!++;
        if (queued.number !== expected) {
          throw new Error(`rank ${rank} is out of step: message ${queued.number}, expected ${expected}`);
        }
        return queued.payload;
      }
      const seen = Atomics.load(this.#control, 0);
      const answer = this.#next();
      if (answer !== undefined) this.#keep(answer);
      else if (this.#failure !== undefined) throw new ProcessesError(this.#failure);
      else Atomics.wait(this.#control, 0, seen, WAIT_MS);
    }
  }

  /** The answer to the last request of its kind; undefined when it does not come. */
  #await(kind: LinkAnswer["kind"]): LinkAnswer | undefined {
    const until = performance.now() + LAST_WORDS_MS;
    while (performance.now() < until) {
      const seen = Atomics.load(this.#control, 0);
      const answer = this.#next();
      if (answer?.kind === kind) return answer;
      if (answer === undefined) Atomics.wait(this.#control, 0, seen, WAIT_MS);
    }
    return undefined;
  }

  #keep(answer: LinkAnswer): void {
    if (answer.kind === "data") this.#queues[answer.rank]!.push(answer);
  }

  #next(): LinkAnswer | undefined {
    const answer = receiveMessageOnPort(this.#port)?.message as LinkAnswer | undefined;
    if (answer?.kind === "failed") this.#failure ??= answer.failure;
    return answer;
  }
}
