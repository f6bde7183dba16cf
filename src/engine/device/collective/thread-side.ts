/** The thread's side of a link: what it tells its process, and what it is asked to do. */
import { writeSync } from "node:fs";
import type { TransferListItem } from "node:worker_threads";
import type { Failure, LinkAnswer, LinkRequest, LinkThreadData } from "./link-messages.ts";

export interface RequestHandlers {
  readonly send: (number: number, payload: Uint8Array) => void;
  readonly fail: (failure: Failure) => void;
  readonly close: () => void;
}

export class ThreadSide {
  readonly #data: LinkThreadData;

  constructor(data: LinkThreadData) {
    this.#data = data;
  }

  /** Wakes the process if it waits. */
  post(answer: LinkAnswer, handedOver: TransferListItem[] = []): void {
    const { port, control } = this.#data;
    port.postMessage(answer, handedOver);
    Atomics.add(control, 0, 1);
    Atomics.notify(control, 0);
  }

  /**
   * The processes cannot go on. This one sees it when it next waits for another; one that does not get there, because a
   * driver or library never returns, is ended from here.
   */
  fail(failure: Failure): void {
    const { control, limits } = this.#data;
    Atomics.store(control, 1, 1);
    this.post({ kind: "failed", failure });
    setTimeout(() => {
      if (!failure.silent) writeSync(2, `error: ${failure.message}\n${failure.fix ? `  fix: ${failure.fix}\n` : ""}`);
      process.kill(process.pid, "SIGKILL");
    }, limits.end).unref();
  }

  /** Calls back once the process that started this one is gone, where that was `fettle`, which would end it. */
  followParent(onGone: () => void): void {
    const { place, limits } = this.#data;
    if (place.launcher !== "fettle") return;
    const parent = process.ppid;
    const look = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(look);
      onGone();
    }, limits.alive);
    look.unref();
  }

  onRequest(handlers: RequestHandlers): void {
    this.#data.port.on("message", (request: LinkRequest) => {
      if (request.kind === "send") handlers.send(request.number, request.payload);
      else if (request.kind === "fail") handlers.fail(request.failure);
      else handlers.close();
    });
  }
}
