/** Names of classes by column, for columns whose rows hold their indices. */
export type ClassNames = ReadonlyMap<string, readonly string[]>;

/** More classes than this are not told by names. */
const maxClasses = 100_000;

/**
 * The classes of a data set of Hugging Face's `datasets`, as it writes them into Parquet files and cards: features of
 * type `ClassLabel`, or lists of it.
 * @param features `{label: {_type: "ClassLabel", names: ["World", …]}}`
 */
export function classNamesOf(features: unknown): ClassNames {
  const found = new Map<string, readonly string[]>();
  if (typeof features !== "object" || features === null) return found;
  for (const [column, feature] of Object.entries(features)) {
    const names = namesOf(feature, 0);
    if (names !== undefined && names.length <= maxClasses) found.set(column, names);
  }
  return found;
}

function namesOf(feature: unknown, depth: number): readonly string[] | undefined {
  if (typeof feature !== "object" || feature === null || depth > 4) return undefined;
  const { names, feature: inner } = feature as { readonly names?: unknown; readonly feature?: unknown };
  if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names as string[];
  return namesOf(Array.isArray(feature) ? feature[0] : inner, depth + 1);
}

/** An index, or a list of them, by its name; -1, which stands for no label, becomes null. Anything else stays. */
export function nameClass(value: unknown, names: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((member) => nameClass(member, names));
  if (value === -1) return null;
  return typeof value === "number" && names[value] !== undefined ? names[value] : value;
}

/** `label: World, Sports, Business, Sci/Tech` */
export function describeClasses(classes: ClassNames): string {
  const lists = [...classes].map(([column, names]) => {
    const shown = names.slice(0, 8).join(", ") + (names.length > 8 ? `, … (${names.length})` : "");
    return `${column}: ${shown}`;
  });
  return lists.join("; ");
}
