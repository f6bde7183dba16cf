/** When a request must end, and why. */
import type { ServerResponse } from "node:http";
import { ApiError } from "./api-error.ts";

/** Milliseconds for a client to take the last words of an answer that was ended. */
const LAST_WORDS = 1000;

export class Deadline {
  readonly #controller = new AbortController();
  readonly #response: ServerResponse;
  readonly #timer: NodeJS.Timeout;

  /** @param seconds until the answer must be out */
  constructor(response: ServerResponse, seconds: number) {
    this.#response = response;
    this.#timer = setTimeout(() => {
      this.end(
        new ApiError({ status: 504, message: `it took longer than ${seconds} seconds`, code: "request_timeout" }),
      );
    }, seconds * 1000);
    response.once("close", () => {
      clearTimeout(this.#timer);
      if (!response.writableFinished) this.#controller.abort(new Error("the client is gone"));
    });
  }

  /** Aborts when the client is gone, or for the reason that `end` is given. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends the request; a client that does not read the rest is let go of. */
  end(reason: ApiError): void {
    if (this.#response.writableFinished) return;
    this.#controller.abort(reason);
    const timer = setTimeout(() => this.#response.destroy(), LAST_WORDS);
    this.#response.once("close", () => clearTimeout(timer));
  }
}
