/** A request's body as JSON, bounded before it is parsed. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiError } from "./api-error.ts";
import type { Limits } from "./limits.ts";

/**
 * @param hold is told of bytes that are held from now on, and may throw
 * @throws ApiError when it is no JSON, too large or too deep, or did not all come
 */
export async function readJson(
  request: IncomingMessage,
  response: ServerResponse,
  { bodyBytes, jsonDepth }: Pick<Limits, "bodyBytes" | "jsonDepth">,
  hold: (bytes: number) => void,
): Promise<unknown> {
  refuseOtherContent(request);
  const length = Number(request.headers["content-length"] ?? 0);
  if (length > bodyBytes) throw tooLarge(bodyBytes);
  if (request.headers.expect?.toLowerCase() === "100-continue") response.writeContinue();
  const bytes = await readBytes(request, bodyBytes, hold);
  const text = decode(bytes);
  refuseDeep(text, jsonDepth);
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the body.
    throw new ApiError({ status: 400, message: "the body is no JSON", code: "invalid_json" });
  }
}

/** Only JSON, which also keeps out what a page of another origin can send without being asked for. */
function refuseOtherContent({ headers }: IncomingMessage): void {
  const type = (headers["content-type"] ?? "").split(";")[0]!.trim().toLowerCase();
  const encoding = headers["content-encoding"] ?? "identity";
  if (type === "application/json" && encoding === "identity") return;
  const message =
    type === "application/json"
      ? `the body is compressed (${encoding.slice(0, 20)}): send it as it is`
      : "the body must be JSON: set the header Content-Type: application/json";
  throw new ApiError({ status: 415, message, code: "unsupported_media_type" });
}

async function readBytes(request: IncomingMessage, most: number, hold: (bytes: number) => void): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      length += (chunk as Buffer).length;
      if (length > most) throw tooLarge(most);
      hold((chunk as Buffer).length);
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError({ status: 400, message: "the body did not come whole", code: "incomplete_body", closes: true });
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ApiError({ status: 400, message: "the body is not UTF-8", code: "invalid_utf8" });
  }
}

function refuseDeep(text: string, most: number): void {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (quoted) {
      if (code === BACKSLASH) i++;
      else if (code === QUOTE) quoted = false;
    } else if (code === QUOTE) quoted = true;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (++depth <= most) continue;
      throw new ApiError({ status: 400, message: `the body is nested deeper than ${most} levels`, code: "too_deep" });
    } else if (code === OPEN_BRACE + 2 || code === OPEN_BRACKET + 2) depth--;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;

function tooLarge(most: number): ApiError {
  return new ApiError({
    status: 413,
    message: `the body is larger than ${most} bytes`,
    code: "request_too_large",
  });
}
