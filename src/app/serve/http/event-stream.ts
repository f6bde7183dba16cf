/** Server-sent events of one answer; waits while the client does not read. */
import type { ServerResponse } from "node:http";

export class EventStream {
  readonly #response: ServerResponse;
  readonly #signal: AbortSignal;

  /** @param signal ends the waiting; its reason is thrown */
  constructor(response: ServerResponse, signal: AbortSignal) {
    this.#response = response;
    this.#signal = signal;
    response.writeHead(200, {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-cache",
      // Proxies such as nginx hold an answer back otherwise.
      "X-Accel-Buffering": "no",
    });
    response.flushHeaders();
  }

  async send(event: object | "[DONE]"): Promise<void> {
    this.#signal.throwIfAborted();
    const text = typeof event === "string" ? event : JSON.stringify(event);
    if (this.#response.write(`data: ${text}\n\n`)) return;
    await this.#drained();
  }

  end(): void {
    this.#response.end();
  }

  #drained(): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        this.#response.off("drain", done);
        this.#signal.removeEventListener("abort", done);
        if (this.#signal.aborted) reject(this.#signal.reason);
        else resolve();
      };
      this.#response.once("drain", done);
      this.#signal.addEventListener("abort", done);
    });
  }
}
