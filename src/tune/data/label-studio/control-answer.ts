/** What one person chose in one control of Label Studio, in both of its JSON exports. */
export interface ControlAnswer {
  readonly kind: "choices" | "taxonomy" | "rating";
  /** Name of the object that it is about; JSON-MIN does not say. */
  readonly toName: string | undefined;
  /** At least one, each once, in ascending order; paths of a taxonomy are joined. */
  readonly labels: readonly string[];
}

/** Between the levels of a taxonomy. */
const PATH_SEPARATOR = " / ";

/**
 * The answers in an annotation's `result`, by the name of their control. Regions of a text, such as entities, are no
 * answers about the whole of it.
 */
export function readResult(result: unknown): ReadonlyMap<string, ControlAnswer> {
  const answers = new Map<string, ControlAnswer>();
  for (const item of Array.isArray(result) ? (result as unknown[]) : []) {
    const { from_name: name, to_name: toName, value } = asRecord(item);
    if (typeof name !== "string" || isRegion(asRecord(value))) continue;
    const found = readValue(value);
    if (found === undefined) continue;
    const labels = ascending([...(answers.get(name)?.labels ?? []), ...found.labels]);
    answers.set(name, { kind: found.kind, toName: typeof toName === "string" ? toName : undefined, labels });
  }
  return answers;
}

/** The same of a member of a JSON-MIN row, where single choices are written as plain text. */
export function readMinValue(value: unknown): ControlAnswer | undefined {
  if (typeof value === "string") return value.trim() === "" ? undefined : answerOf("choices", [value]);
  if (typeof value === "number") return answerOf("rating", [value]);
  const found = (Array.isArray(value) ? (value as unknown[]) : [value]).map((item) =>
    typeof item === "string" ? answerOf("choices", [item]) : readValue(item),
  );
  if (found.length === 0 || found.some((answer) => answer === undefined)) return undefined;
  return answerOf(
    found[0]!.kind,
    found.flatMap((answer) => answer!.labels),
  );
}

function readValue(value: unknown): ControlAnswer | undefined {
  const { choices, taxonomy, rating } = asRecord(value);
  if (typeof rating === "number") return answerOf("rating", [rating]);
  if (Array.isArray(choices)) return answerOf("choices", choices);
  if (!Array.isArray(taxonomy)) return undefined;
  const paths = taxonomy.map((path: unknown) => (Array.isArray(path) ? path.join(PATH_SEPARATOR) : path));
  return answerOf("taxonomy", paths);
}

/** Undefined where nothing is chosen, or something is chosen that is no name. */
function answerOf(kind: ControlAnswer["kind"], labels: readonly unknown[]): ControlAnswer | undefined {
  const names = labels.map((label) => (typeof label === "number" ? String(label) : label));
  if (names.length === 0 || !names.every((name) => typeof name === "string" && name.trim() !== "")) return undefined;
  return { kind, toName: undefined, labels: ascending((names as string[]).map((name) => name.trim())) };
}

function isRegion(value: Readonly<Record<string, unknown>>): boolean {
  return ["start", "end", "x", "paragraphlabels", "startOffset"].some((name) => Object.hasOwn(value, name));
}

function ascending(labels: readonly string[]): string[] {
  return [...new Set(labels)].sort();
}

/** The members of an object; none of anything else. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
