/** Counts requests that ask the model, and sends away those that are too many. */
import { ApiError } from "./http/api-error.ts";
import type { Limits } from "./http/limits.ts";

export class Gate {
  readonly #limits: Pick<Limits, "requests" | "streams">;
  #requests = 0;
  #streams = 0;

  constructor(limits: Pick<Limits, "requests" | "streams">) {
    this.#limits = limits;
  }

  get requests(): number {
    return this.#requests;
  }

  get streams(): number {
    return this.#streams;
  }

  /** The place is free again when what is returned is disposed of. @throws ApiError 429 */
  enter(): Disposable {
    if (this.#requests >= this.#limits.requests) throw tooMany("requests");
    this.#requests++;
    return once(() => this.#requests--);
  }

  /** @throws ApiError 429 */
  enterStream(): Disposable {
    if (this.#streams >= this.#limits.streams) throw tooMany("streamed answers");
    this.#streams++;
    return once(() => this.#streams--);
  }
}

const RETRY_AFTER = 1;

function tooMany(what: string): ApiError {
  return new ApiError({
    status: 429,
    message: `the server has as many ${what} as it takes: ask again in a moment`,
    code: "too_many_requests",
    retryAfter: RETRY_AFTER,
  });
}

function once(leave: () => void): Disposable {
  let left = false;
  return {
    [Symbol.dispose]() {
      if (!left) leave();
      left = true;
    },
  };
}
