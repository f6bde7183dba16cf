import { RuleClasses } from "../../../../base/taxonomy/rule-classes.ts";
import type { Taxonomy } from "../../../../base/taxonomy/taxonomy.ts";
import type { ToolAnswers, ToolFinding } from "../../../tools/tool.ts";

/** What tools said of texts. */
export class ToolPanel {
  readonly answers: readonly ToolAnswers[];
  readonly #taxonomy: Taxonomy;
  readonly #classes: RuleClasses;
  readonly #places: ReadonlyMap<string, number>;

  /** @param texts that were asked about, all different, in the order of the answers */
  constructor(taxonomy: Taxonomy, texts: readonly string[], answers: readonly ToolAnswers[]) {
    this.answers = answers;
    this.#taxonomy = taxonomy;
    this.#classes = new RuleClasses(taxonomy);
    this.#places = new Map(texts.map((text, i) => [text, i]));
  }

  /** Names of the taxonomy's classes. */
  get classes(): readonly string[] {
    return this.#taxonomy.classes.map(({ name }) => name);
  }

  /** Whether the taxonomy has a rule of a tool for a class. */
  covers(tool: number, label: string): boolean {
    const rules = this.#taxonomy.classes.find(({ name }) => name === label)?.rules ?? {};
    return (rules[this.answers[tool]!.tool] ?? []).length > 0;
  }

  /** Classes that a tool sees in a text; undefined where it could not read it. */
  labels(tool: number, text: string): readonly string[] | undefined {
    return this.answers[tool]!.labels[this.#places.get(text)!];
  }

  /** What a tool found in a text that belongs to a class. */
  findings(tool: number, text: string, label: string): readonly ToolFinding[] {
    const { tool: name, findings } = this.answers[tool]!;
    return (findings[this.#places.get(text)!] ?? []).filter(({ rule }) => this.#classes.classOf(name, rule) === label);
  }
}
