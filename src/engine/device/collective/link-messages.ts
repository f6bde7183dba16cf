/** What the thread that holds a process's connections and the process itself say to each other. */
import type { MessagePort } from "node:worker_threads";
import type { ProcessPlace } from "./process-place.ts";

/** Why the processes cannot go on. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly where?: string | undefined;
  readonly fix?: string | undefined;
  /** Another process tells the user, so that all say it once. */
  readonly silent?: boolean | undefined;
}

export interface LinkThreadData {
  readonly place: ProcessPlace;
  readonly port: MessagePort;
  /** [0]: messages posted so far, to wake whoever waits; [1]: 1 once the processes cannot go on. */
  readonly control: Int32Array;
  /** Of Fettle: processes of different versions do not compute the same. */
  readonly version: string;
  readonly limits: LinkLimits;
}

/** All in milliseconds. */
export interface LinkLimits {
  /** Until all processes have come. */
  readonly join: number;
  /** Between two signs of life. */
  readonly alive: number;
  /** A process not heard of for so long is lost. */
  readonly silence: number;
  /** Once the processes cannot go on, a process that is still there after so long is ended. */
  readonly end: number;
}

export type LinkRequest =
  /** From rank 0 to all, from others to rank 0. */
  | { readonly kind: "send"; readonly number: number; readonly payload: Uint8Array }
  | { readonly kind: "fail"; readonly failure: Failure }
  | { readonly kind: "close" };

export type LinkAnswer =
  | { readonly kind: "joined" }
  | { readonly kind: "data"; readonly rank: number; readonly number: number; readonly payload: Uint8Array }
  | { readonly kind: "failed"; readonly failure: Failure }
  /** Whether rank 0 knows of the failure. */
  | { readonly kind: "told"; readonly told: boolean }
  | { readonly kind: "closed" };
