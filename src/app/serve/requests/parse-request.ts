/** The body of a request against its schema: what is not known, or not done, is refused by name. */
import { z } from "zod";
import { suggestName } from "../../../base/names.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../../model/files/json-file.ts";
import { ApiError, invalid } from "../http/api-error.ts";

/** A schema for each field of a request. */
export type Fields<Request> = { readonly [Name in keyof Request]-?: z.ZodType<Request[Name]> };

export interface RequestForm<Request> {
  readonly fields: Fields<Request>;
  /** Fields that change nothing about the answer. */
  readonly harmless: readonly string[];
  /** Fields of OpenAI's that are not done: why, and the value that asks for nothing. */
  readonly refused: Readonly<Record<string, Refusal>>;
}

export interface Refusal {
  readonly why: string;
  readonly asksNothing: (value: JsonValue) => boolean;
}

/** Null stands for an absent field, as OpenAI has it. @throws ApiError that names the first wrong field */
export function parseRequest<Request>(
  { fields: known, harmless, refused }: RequestForm<Request>,
  body: unknown,
): Request {
  if (!isJsonObject(body as JsonValue)) {
    throw new ApiError({ status: 400, message: "the body must be a JSON object", code: "invalid_type" });
  }
  const fields: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(body as JsonObject)) {
    if (value === null || harmless.includes(name)) continue;
    const refusal = Object.hasOwn(refused, name) ? refused[name] : undefined;
    if (refusal?.asksNothing(value)) continue;
    if (refusal !== undefined) throw invalid(name, `${name}: ${refusal.why}`, "unsupported_parameter");
    if (!Object.hasOwn(known, name)) {
      const names = [...Object.keys(known), ...harmless, ...Object.keys(refused)];
      throw invalid(
        shown(name),
        `there is no field ${shown(name)}; ${suggestName(shown(name), names)}`,
        "unknown_parameter",
      );
    }
    fields[name] = value;
  }
  const parsed = z.object(known as z.ZodRawShape).safeParse(fields);
  if (parsed.success) return parsed.data as Request;
  const [issue] = parsed.error.issues;
  const param = pathText(issue!.path);
  const missing = issue!.path.length === 1 && !Object.hasOwn(fields, issue!.path[0]!);
  throw missing
    ? invalid(param, `${param} is missing`, "missing_required_parameter")
    : invalid(param, `${param}: ${issue!.message}`);
}

/** `messages[0].content` */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : `${i === 0 ? "" : "."}${shown(String(part))}`))
    .join("");
}

function shown(name: string): string {
  return name.slice(0, 64);
}
