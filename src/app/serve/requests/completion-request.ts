/** https://platform.openai.com/docs/api-reference/completions/create */
import { z } from "zod";
import { type Fields, parseRequest, type RequestForm } from "./parse-request.ts";
import { harmlessFields, refusedFields, type SamplingRequest, samplingFields } from "./sampling-fields.ts";

export interface CompletionRequest extends SamplingRequest {
  /** Texts, or tokens of texts. */
  readonly prompt: string | readonly string[] | readonly number[] | readonly (readonly number[])[];
  readonly max_tokens: number;
  /** The prompt stands before the answer. */
  readonly echo: boolean;
  /** So many most probable tokens are told with each token. */
  readonly logprobs?: number | undefined;
}

const tokens = z.array(z.int32().min(0)).min(1);

const fields: Fields<CompletionRequest> = {
  ...samplingFields,
  prompt: z.union([z.string(), tokens, z.array(z.string()).min(1), z.array(tokens).min(1)], {
    error: "must be a text, a list of token ids, or a list of either",
  }),
  max_tokens: z.int().min(1).default(16),
  echo: z.boolean().default(false),
  logprobs: z.int().min(0).max(20).optional(),
};

const form: RequestForm<CompletionRequest> = {
  fields,
  harmless: harmlessFields,
  refused: {
    ...refusedFields,
    best_of: { why: "is not supported; n gives several answers", asksNothing: (value) => value === 1 },
    suffix: { why: "is not supported", asksNothing: (value) => value === "" },
  },
};

/** @throws ApiError that names what is wrong */
export function parseCompletionRequest(body: unknown): CompletionRequest {
  return parseRequest(form, body);
}
