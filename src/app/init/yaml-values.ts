/** Values of a YAML text replaced in place, so that comments and layout stay as they are written. */
import { isMap, isNode, isScalar, type Pair, parseDocument, stringify } from "yaml";

/** `a.b` -> the value, or undefined to take the option's lines out. */
export type NewValues = Readonly<Record<string, unknown>>;

/** @param values of options that the text has */
export function withValues(text: string, values: NewValues): string {
  const document = parseDocument(text);
  const edits = Object.entries(values).map(([option, value]) => {
    const keys = option.split(".");
    const parent = keys.length === 1 ? document.contents : document.getIn(keys.slice(0, -1), true);
    const pair = isMap(parent)
      ? (parent.items as Pair[]).find(({ key }) => isScalar(key) && key.value === keys.at(-1))
      : undefined;
    if (pair === undefined || !isNode(pair.key) || !isNode(pair.value)) throw new Error(`the text has no ${option}`);
    const [from, to] = pair.value.range!;
    if (value !== undefined) return { from, to, text: stringify(value, { collectionStyle: "flow" }).trim() };
    return { from: text.lastIndexOf("\n", pair.key.range![0]) + 1, to: text.indexOf("\n", to) + 1, text: "" };
  });
  return edits
    .sort((a, b) => b.from - a.from)
    .reduce((result, edit) => result.slice(0, edit.from) + edit.text + result.slice(edit.to), text);
}
