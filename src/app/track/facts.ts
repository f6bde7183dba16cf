import type { Facts } from "./tracker.ts";

/** Nested options under dotted names, lists as JSON: `{"training.batch_size": 16}`. */
export function factsOf(value: object, prefix = ""): Facts {
  const facts: Record<string, Facts[string]> = {};
  for (const [key, one] of Object.entries(value)) {
    if (one === undefined) continue;
    const name = prefix + key;
    if (one === null || typeof one !== "object") facts[name] = one;
    else if (Array.isArray(one)) facts[name] = JSON.stringify(one);
    else Object.assign(facts, factsOf(one, `${name}.`));
  }
  return facts;
}
