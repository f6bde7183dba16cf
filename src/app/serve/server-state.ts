/** What the endpoints of one server share. */

import type { Gate } from "./gate.ts";
import { ApiError, invalid } from "./http/api-error.ts";
import type { Limits } from "./http/limits.ts";
import type { RequestCounters } from "./metrics/request-counters.ts";
import type { ServedModels } from "./served-models.ts";

/** `loading`: the model is not in memory yet. `stopping`: what has begun is finished, and nothing else. */
export type Phase = "loading" | "ready" | "stopping";

export class ServerState {
  readonly limits: Limits;
  readonly gate: Gate;
  readonly counters: RequestCounters;
  /** Below which adapters may be loaded from, links followed. */
  readonly adapterFolders: readonly string[];
  phase: Phase = "loading";
  #models: ServedModels | undefined;

  constructor(limits: Limits, gate: Gate, counters: RequestCounters, adapterFolders: readonly string[] = []) {
    this.limits = limits;
    this.gate = gate;
    this.counters = counters;
    this.adapterFolders = adapterFolders;
  }

  /** @throws ApiError 503 while there are none */
  get models(): ServedModels {
    if (this.#models !== undefined) return this.#models;
    throw new ApiError({ status: 503, message: "the model is being loaded", code: "loading", retryAfter: 5 });
  }

  /** Undefined while they are being loaded. */
  get modelsIfAny(): ServedModels | undefined {
    return this.#models;
  }

  set models(models: ServedModels) {
    this.#models = models;
  }
}

/** @throws ApiError for more answers than one request may have */
export function requireChoices(n: number, { choices }: Pick<Limits, "choices">): void {
  if (n > choices) throw invalid("n", `n: at most ${choices}`);
}
