import { ApiError } from "./http/api-error.ts";
import type { ServedModel } from "./served-model.ts";

/**
 * How many tokens may be generated: as many as asked for, or what the context leaves.
 * @param param the field of the request that is too long
 * @throws ApiError when the prompt, or the prompt and what is asked for, is longer than the context
 */
export function roomFor(
  { context }: Pick<ServedModel, "context">,
  prompt: Int32Array,
  wanted: number | undefined,
  param: string,
): number {
  const room = context - prompt.length;
  if (room > 0 && (wanted ?? 0) <= room) return wanted ?? room;
  const asked = room > 0 ? ` and ${wanted} more were asked for` : "";
  throw new ApiError({
    status: 400,
    message: `the model's context is ${context} tokens; the prompt has ${prompt.length}${asked}`,
    param,
    code: "context_length_exceeded",
  });
}
