import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import type { TemplateOptions } from "../../base/recipe/recipe.ts";
import type { Message } from "../../model/text/chat-template.ts";

/** Which white space of a row is left, and in which of its fields; of messages, those of the user. */
export interface Tidying {
  readonly method: "collapse" | "delete";
  readonly fields: readonly string[];
}

/**
 * What a recipe wants of the rows' white space; undefined when it is to stay.
 * @param fields those of the text or the user's message; undefined for rows that hold messages
 * @throws UserError for a field that is not among them
 */
export function tidyingOf(
  { whitespace = "keep", whitespace_fields: asked = null }: TemplateOptions,
  fields: readonly string[] | undefined,
  where: string,
): Tidying | undefined {
  if (whitespace === "keep") return undefined;
  const unknown = asked?.find((field) => !fields?.includes(field));
  if (unknown === undefined) return { method: whitespace, fields: asked ?? fields ?? [] };
  throw new UserError({
    code: "data/white-space-field",
    message:
      fields === undefined
        ? "template.whitespace_fields: the rows hold messages, of which the user's are tidied"
        : `template.whitespace_fields names ${JSON.stringify(unknown)}, which the text or the user's message does not hold`,
    where,
    fix: fields === undefined ? "remove it" : suggestName(unknown, fields),
  });
}

interface Texts {
  readonly values: Readonly<Record<string, string>>;
  readonly messages?: readonly Message[];
}

/** The row without the white space that is not wanted; the same object where there is none. */
export function tidied<Row extends Texts>(row: Row, { method, fields }: Tidying): Row {
  const tidy = (text: string): string =>
    method === "delete" ? text.replace(/\s+/gu, "") : text.replace(/\s+/gu, " ").trim();
  if (row.messages !== undefined) {
    const messages = row.messages.map((message) =>
      message.role === "user" ? { ...message, content: tidy(message.content) } : message,
    );
    const changed = messages.some(({ content }, i) => content !== row.messages![i]!.content);
    return changed ? { ...row, messages } : row;
  }
  const values = { ...row.values };
  for (const field of fields) if (values[field] !== undefined) values[field] = tidy(values[field]);
  return fields.some((field) => values[field] !== row.values[field]) ? { ...row, values } : row;
}
