/** What a server takes at most. Times are seconds. */
export interface Limits {
  /** Of a request's body. */
  readonly bodyBytes: number;
  /** Of all bodies that are being read or answered. */
  readonly heldBytes: number;
  /** Nesting of lists and objects in a body. */
  readonly jsonDepth: number;
  /** Requests that ask the model, running or waiting; further ones are sent away with 429. */
  readonly requests: number;
  /** Of them, answers that are streamed. */
  readonly streams: number;
  /** Until a request has been answered. */
  readonly requestTime: number;
  /** Until a request's headers are there, and until all of it is there. */
  readonly headerTime: number;
  readonly bodyTime: number;
  readonly connections: number;
  /** Choices of one generation request. */
  readonly choices: number;
  /** Prompts of one request. */
  readonly prompts: number;
  /** Texts or rows of one request. */
  readonly inputs: number;
  /** For what has begun, when the server is told to stop. */
  readonly drainTime: number;
}

export const defaultLimits: Limits = {
  bodyBytes: 4 * 2 ** 20,
  heldBytes: 256 * 2 ** 20,
  jsonDepth: 64,
  requests: 256,
  streams: 128,
  requestTime: 600,
  headerTime: 20,
  bodyTime: 60,
  connections: 1024,
  choices: 16,
  prompts: 128,
  inputs: 2048,
  drainTime: 30,
};

/** Of one header section; Node.js answers 431 beyond. */
export const HEADER_BYTES: number = 16 * 2 ** 10;
