import type { Noted } from "./exchange.ts";
import type { Limits } from "./limits.ts";

/** What the HTTP side needs of what the endpoints of one server share. */
export interface HttpState {
  readonly limits: Limits;
  /** `stopping`: what has begun is finished, and nothing else. */
  phase: "loading" | "ready" | "stopping";
  readonly counters: {
    answered(endpoint: string, method: string, status: number, seconds: number, noted: Noted): void;
  };
  /** For endpoints that ask the model. */
  readonly gate: { enter(): Disposable };
}
