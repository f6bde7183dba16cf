/** Text with places for a row's fields: `{name}` is one exactly when `name` is a known field, all else is literal. */
export interface TextTemplate {
  /** Literal text and field names in turn: literal, field, literal, …, literal. */
  readonly parts: readonly string[];
  /** Field names in order of appearance, each once. */
  readonly fields: readonly string[];
  /** Names in braces that are no field and were kept as text, such as the key of a JSON object or a misspelt field. */
  readonly unknown: readonly string[];
}

export function parseTextTemplate(text: string, knownFields: ReadonlySet<string>): TextTemplate {
  const parts: string[] = [""];
  const fields = new Set<string>();
  const unknown = new Set<string>();
  let from = 0;
  for (const match of text.matchAll(/\{([\p{L}_][\p{L}\p{N}_]*)\}/gu)) {
    const name = match[1]!;
    if (!knownFields.has(name)) {
      unknown.add(name);
      continue;
    }
    parts[parts.length - 1] += text.slice(from, match.index);
    parts.push(name, "");
    fields.add(name);
    from = match.index + match[0].length;
  }
  parts[parts.length - 1] += text.slice(from);
  return { parts, fields: [...fields], unknown: [...unknown] };
}

/** The text with each field's value in its place; values are inserted as they are, never searched for placeholders. */
export function fillTextTemplate(template: TextTemplate, fieldValue: (field: string) => string): string {
  const { parts } = template;
  let text = parts[0]!;
  for (let i = 1; i < parts.length; i += 2) text += fieldValue(parts[i]!) + parts[i + 1]!;
  return text;
}
