/** What the server answers, a line each. */
import { chatCompletions } from "./endpoints/chat-completions.ts";
import { classify } from "./endpoints/classify.ts";
import { health, metrics, readiness } from "./endpoints/health.ts";
import { modelByName, modelList } from "./endpoints/models.ts";
import type { Endpoint } from "./http/endpoint.ts";

export const endpoints: readonly Endpoint[] = [
  chatCompletions,
  classify,
  modelList,
  modelByName,
  health,
  readiness,
  metrics,
];
