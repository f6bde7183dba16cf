import type { Template } from "@huggingface/jinja";
import { strftime } from "./strftime.ts";

/** The Python string methods that the Jinja library runs without looking at their argument. */
const METHODS = ["strip", "lstrip", "rstrip"] as const;
type Method = (typeof METHODS)[number];

const LIBRARY_DATE = "strftime_now";
const OWN_DATE = "strftime_of_run";
const LIBRARY_RANGE = "range";
const OWN_RANGE = "bounded_range";
/** Numbers that a template may count through: more than any conversation has messages. */
const MAX_RANGE = 100_000;

/** Functions for a template's variables, under the names that `useOwnFunctions` makes it call. */
export function ownFunctions(now: Date): Record<string, (...values: unknown[]) => unknown> {
  const functions: Record<string, (...values: unknown[]) => unknown> = {
    [OWN_DATE]: (format) => strftime(now, String(format)),
    [OWN_RANGE]: (...limits) => boundedRange(limits),
  };
  for (const method of METHODS) {
    functions[functionName(method)] = (text, characters) => pythonStrip(method, text, characters);
  }
  return functions;
}

/**
 * Makes a parsed template call functions of ours where the library's differ from Python's and cannot be replaced:
 * `value.lstrip("\n")` drops its argument and strips all whitespace, which loses a leading space of an answer in Qwen3's
 * template; `strftime_now` speaks the machine's language and tells another time at each call; `range` has no bound.
 */
export function useOwnFunctions(template: Template): void {
  rewrite(template.parsed);
}

function rewrite(node: unknown): void {
  if (typeof node !== "object" || node === null) return;
  for (const child of node instanceof Map ? [...node.entries()].flat() : Object.values(node)) rewrite(child);
  const call = node as { type?: unknown; value?: unknown; callee?: MemberNode; args?: unknown[] };
  if (call.type === "Identifier" && call.value === LIBRARY_DATE) call.value = OWN_DATE;
  if (call.type === "Identifier" && call.value === LIBRARY_RANGE) call.value = OWN_RANGE;
  const { callee } = call;
  if (call.type !== "CallExpression" || callee?.type !== "MemberExpression" || callee.computed === true) return;
  const method = METHODS.find((name) => name === callee.property?.value);
  if (method === undefined || call.args === undefined) return;
  call.args = [callee.object, ...call.args];
  call.callee = { type: "Identifier", value: functionName(method) };
}

interface MemberNode {
  readonly type: string;
  readonly computed?: boolean;
  readonly object?: unknown;
  readonly property?: { readonly value?: unknown };
  readonly value?: string;
}

function functionName(method: Method): string {
  return `python_${method}`;
}

/** Python's `range(stop)`, `range(start, stop)` and `range(start, stop, step)`. */
function boundedRange(limits: readonly unknown[]): number[] {
  // The library passes keyword arguments, here none, as a last object.
  const numbers = limits.filter((limit) => typeof limit === "number");
  const [start, stop, step] = numbers.length === 1 ? [0, numbers[0]!, 1] : [numbers[0]!, numbers[1]!, numbers[2] ?? 1];
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (!(count <= MAX_RANGE)) throw new Error(`range() of ${count} numbers; at most ${MAX_RANGE} are allowed`);
  return Array.from({ length: count }, (_, i) => start + i * step);
}

/** Whitespace as `str.strip()` means it. */
export const WHITESPACE: string =
  "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000";

function pythonStrip(method: Method, text: unknown, characters: unknown): string {
  if (typeof text !== "string") throw new Error(`${method}() needs a string`);
  const unwanted = typeof characters === "string" ? characters : WHITESPACE;
  let begin = 0;
  let end = text.length;
  if (method !== "rstrip") while (begin < end && unwanted.includes(text[begin]!)) begin++;
  if (method !== "lstrip") while (end > begin && unwanted.includes(text[end - 1]!)) end--;
  return text.slice(begin, end);
}
