import type { Taxonomy } from "./taxonomy.ts";

/** What a taxonomy says of rules of tools. */
export class RuleClasses {
  readonly #classes = new Map<string, string>();

  constructor(taxonomy: Taxonomy) {
    for (const { name, rules } of [...taxonomy.classes, { name: LEFT_OUT, rules: taxonomy.leftOut }]) {
      for (const [tool, ids] of Object.entries(rules)) for (const id of ids) this.#classes.set(keyOf(tool, id), name);
    }
  }

  /** @returns the class, `left-out` for what is in none on purpose, undefined for a rule that the taxonomy does not know */
  classOf(tool: string, rule: string): string | undefined {
    return this.#classes.get(keyOf(tool, rule));
  }
}

/** In place of a class: the rule is known, and belongs to none. */
export const LEFT_OUT = "left-out";

function keyOf(tool: string, rule: string): string {
  return `${tool}\n${rule}`;
}
