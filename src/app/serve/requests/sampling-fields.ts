/** What chat and text completions have in common. */
import { z } from "zod";
import type { JsonValue } from "../../../model/files/json-file.ts";
import type { ConstraintSpec } from "../../../tune/score/generation-request.ts";
import type { ChoicesRequest } from "../choices.ts";
import type { Fields, Refusal } from "./parse-request.ts";

/** OpenAI's, and `labels`: the text is exactly one of them. */
export type ResponseFormat =
  | { readonly type: "text" | "json_object" }
  | { readonly type: "json_schema"; readonly json_schema: { readonly schema: JsonValue } }
  | { readonly type: "labels"; readonly labels: readonly string[] };

export interface SamplingRequest {
  readonly model: string;
  readonly temperature: number;
  readonly top_p: number;
  /** Only the k most probable tokens; 0 and -1: all. */
  readonly top_k: number;
  readonly seed?: number | undefined;
  readonly stop: string | readonly string[];
  readonly stream: boolean;
  readonly stream_options?: { readonly include_usage: boolean } | undefined;
  /** Answers. */
  readonly n: number;
  readonly response_format: ResponseFormat;
}

const MAX_STOPS = 16;
const MAX_LABELS = 1000;

const labels = z.array(z.string().min(1)).min(1).max(MAX_LABELS);

const responseFormat: z.ZodType<ResponseFormat> = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text") }),
  z.strictObject({ type: z.literal("json_object") }),
  z.strictObject({
    type: z.literal("json_schema"),
    json_schema: z.strictObject({
      name: z.string().optional(),
      description: z.string().optional(),
      schema: z.json(),
      strict: z.boolean().nullish(),
    }),
  }),
  z.strictObject({ type: z.literal("labels"), labels }),
]);

export const samplingFields: Fields<SamplingRequest> = {
  model: z.string(),
  temperature: z.number().min(0).max(2).default(1),
  top_p: z.number().gt(0).max(1).default(1),
  top_k: z.int().min(-1).default(0),
  seed: z.int().optional(),
  stop: z.union([z.string(), z.array(z.string()).max(MAX_STOPS)]).default([]),
  stream: z.boolean().default(false),
  stream_options: z
    .strictObject({ include_usage: z.boolean().default(false), include_obfuscation: z.boolean().optional() })
    .optional(),
  n: z.int().min(1).default(1),
  response_format: responseFormat.default({ type: "text" }),
};

/** Fields that say who asks, and how the answer may be kept or billed. */
export const harmlessFields: readonly string[] = [
  "user",
  "metadata",
  "store",
  "safety_identifier",
  "prompt_cache_key",
  "prompt_cache_retention",
  "service_tier",
];

const isZero = (value: JsonValue): boolean => value === 0;
const isEmpty = (value: JsonValue): boolean => typeof value === "object" && Object.keys(value!).length === 0;

export const refusedFields: Readonly<Record<string, Refusal>> = {
  frequency_penalty: { why: "penalties are not supported", asksNothing: isZero },
  presence_penalty: { why: "penalties are not supported", asksNothing: isZero },
  logit_bias: { why: "biases are not supported; response_format limits what may be said", asksNothing: isEmpty },
};

/** What a request says of how texts are drawn, as the engine takes it. */
export function samplingOf(
  request: SamplingRequest,
): Pick<ChoicesRequest, "n" | "seed" | "temperature" | "topP" | "topK" | "stopStrings" | "constraint"> {
  return {
    n: request.n,
    seed: request.seed,
    temperature: request.temperature,
    topP: request.top_p,
    topK: Math.max(0, request.top_k),
    stopStrings: [request.stop].flat(),
    constraint: constraintOf(request.response_format),
  };
}

/** Undefined: anything may be said. */
function constraintOf(format: ResponseFormat): ConstraintSpec | undefined {
  switch (format.type) {
    case "json_object":
      return { kind: "json" };
    case "json_schema":
      return { kind: "json-schema", schema: format.json_schema.schema };
    case "labels":
      return { kind: "labels", labels: format.labels };
    default:
      return undefined;
  }
}
