/** https://platform.openai.com/docs/api-reference/chat/create */
import { z } from "zod";
import type { JsonValue } from "../../../model/files/json-file.ts";
import { type Fields, parseRequest, type RequestForm } from "./parse-request.ts";
import { harmlessFields, refusedFields, type SamplingRequest, samplingFields } from "./sampling-fields.ts";

export interface ChatRequest extends SamplingRequest {
  readonly messages: readonly ChatRequestMessage[];
  readonly max_tokens?: number | undefined;
  readonly max_completion_tokens?: number | undefined;
  readonly logprobs: boolean;
  readonly top_logprobs?: number | undefined;
}

export interface ChatRequestMessage {
  readonly role: "system" | "developer" | "user" | "assistant";
  /** Parts are lines. */
  readonly content: string | readonly { readonly text: string }[];
}

const MAX_MESSAGES = 4096;

const textPart = z.strictObject({ type: z.literal("text"), text: z.string() });

const message: z.ZodType<ChatRequestMessage> = z.strictObject({
  role: z.enum(["system", "developer", "user", "assistant"]),
  content: z.union([z.string(), z.array(textPart).min(1)], {
    error: "must be a text, or a list of parts of type text",
  }),
  refusal: z.null().optional(),
});

const fields: Fields<ChatRequest> = {
  ...samplingFields,
  messages: z.array(message).min(1).max(MAX_MESSAGES),
  max_tokens: z.int().min(1).optional(),
  max_completion_tokens: z.int().min(1).optional(),
  logprobs: z.boolean().default(false),
  top_logprobs: z.int().min(0).max(20).optional(),
};

const noTools = "tools are not supported";
const isEmptyList = (value: JsonValue): boolean => Array.isArray(value) && value.length === 0;
const never = (): boolean => false;

const form: RequestForm<ChatRequest> = {
  fields,
  // A prediction only makes an answer come faster; without tools there are no calls to make in parallel.
  harmless: [...harmlessFields, "prediction", "parallel_tool_calls"],
  refused: {
    ...refusedFields,
    tools: { why: noTools, asksNothing: isEmptyList },
    tool_choice: { why: noTools, asksNothing: (value) => value === "none" },
    functions: { why: noTools, asksNothing: isEmptyList },
    function_call: { why: noTools, asksNothing: (value) => value === "none" },
    web_search_options: { why: noTools, asksNothing: never },
    audio: { why: "only text is answered", asksNothing: never },
    modalities: { why: "only text is answered", asksNothing: (value) => JSON.stringify(value) === '["text"]' },
    reasoning_effort: { why: "the model reasons as its chat template has it", asksNothing: never },
    verbosity: { why: "it cannot be chosen; say in the conversation how long the answer is to be", asksNothing: never },
  },
};

/** @throws ApiError that names what is wrong */
export function parseChatRequest(body: unknown): ChatRequest {
  return parseRequest(form, body);
}
