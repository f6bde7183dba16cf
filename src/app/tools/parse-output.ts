import type { z } from "zod";
import { messageOf, UserError } from "../../base/errors.ts";

/** What a tool wrote, as JSON of a known shape. @throws UserError naming the tool and what does not fit */
export function parseOutput<Shape>(tool: string, text: string, schema: z.ZodType<Shape>): Shape {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw unreadable(tool, messageOf(error), error);
  }
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw unreadable(tool, `${issue?.path.join(".")}: ${issue?.message}`, parsed.error);
}

function unreadable(tool: string, reason: string, cause: unknown): UserError {
  return new UserError({
    code: "tools/output",
    message: `the output of ${tool} is not what is known of it: ${reason.slice(0, 300)}`,
    fix: "versions that are known to work are in docs/guide/scanners.md",
    cause,
  });
}
