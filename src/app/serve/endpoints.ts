/** What the server answers, a line each. */
import { adapterLoading, adapterUnloading } from "./endpoints/adapters.ts";
import { chatCompletions } from "./endpoints/chat-completions.ts";
import { classify } from "./endpoints/classify.ts";
import { completions } from "./endpoints/completions.ts";
import { health, metrics, readiness } from "./endpoints/health.ts";
import { modelByName, modelList } from "./endpoints/models.ts";
import type { Endpoint } from "./http/endpoint.ts";

export const endpoints: readonly Endpoint[] = [
  chatCompletions,
  completions,
  classify,
  modelList,
  modelByName,
  adapterLoading,
  adapterUnloading,
  health,
  readiness,
  metrics,
];
