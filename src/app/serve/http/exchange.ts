/** One request and its answer, as an endpoint sees it. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { EventStream } from "./event-stream.ts";

/** What the access log and the metrics tell of a request; never what it says. */
export interface Noted {
  model?: string;
  promptTokens?: number;
  completionTokens?: number;
  rows?: number;
  /** Milliseconds until the first piece of a streamed answer. */
  firstTokenMs?: number;
}

export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** What a path that ends in `*` leaves open. */
  readonly rest: string;
  /** Aborts when the client is gone, the time is up, or the server ends; the reason is an ApiError where it can be told. */
  readonly signal: AbortSignal;
  readonly id: string;
  /** By `performance.now()`. */
  readonly began: number;
  readonly noted: Noted;
  /** Of a POST, as JSON. */
  readonly body: unknown;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    parts: {
      readonly rest: string;
      readonly signal: AbortSignal;
      readonly id: string;
      readonly body: unknown;
      readonly began: number;
      readonly noted: Noted;
    },
  ) {
    this.request = request;
    this.response = response;
    this.rest = parts.rest;
    this.signal = parts.signal;
    this.id = parts.id;
    this.body = parts.body;
    this.began = parts.began;
    this.noted = parts.noted;
  }

  send(value: object, status = 200): void {
    this.sendText(JSON.stringify(value), "application/json; charset=utf-8", status);
  }

  sendText(text: string, type: string, status = 200): void {
    this.response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(text) });
    this.response.end(text);
  }

  stream(): EventStream {
    return new EventStream(this.response, this.signal);
  }

  /** Notes a generated token. */
  countToken(): void {
    this.noted.completionTokens = (this.noted.completionTokens ?? 0) + 1;
  }

  /** Notes when the first piece of an answer was there. */
  firstPiece(): void {
    this.noted.firstTokenMs ??= performance.now() - this.began;
  }
}
