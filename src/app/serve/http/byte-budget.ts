import { ApiError } from "./api-error.ts";

/** Memory that all requests share for their bodies. */
export class ByteBudget {
  readonly #most: number;
  #held = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** @throws ApiError 429 when there is no room */
  hold(bytes: number): void {
    if (this.#held + bytes > this.#most) {
      throw new ApiError({
        status: 429,
        message: "the server holds as much of other requests as it takes: ask again in a moment",
        code: "too_many_requests",
        retryAfter: 1,
      });
    }
    this.#held += bytes;
  }

  free(bytes: number): void {
    this.#held -= bytes;
  }
}
