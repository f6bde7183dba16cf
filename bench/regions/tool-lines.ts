import { askTools } from "../../src/app/tools/ask-tools.ts";
import { findTools } from "../../src/app/tools/find-tools.ts";
import { loadTaxonomy } from "../../src/base/taxonomy/load-taxonomy.ts";
import { RuleClasses } from "../../src/base/taxonomy/rule-classes.ts";
import type { GoldText } from "./gold-file.ts";

/**
 * The texts with the lines that a scanner names, in place of those that readers named.
 * @param taxonomyFile says which class each rule belongs to
 * @throws UserError when the tool is not here
 */
export async function toolLines(name: string, taxonomyFile: string, texts: readonly string[]): Promise<GoldText[]> {
  const taxonomy = loadTaxonomy(taxonomyFile);
  const classes = new RuleClasses(taxonomy);
  const programs = await findTools([name], "dockerfile");
  const [answers] = await askTools(programs, texts, { kind: "dockerfile", taxonomy, cacheFolder: undefined });
  return texts.map((text, i) => {
    const lines = new Map<string, number[]>();
    for (const { rule, startLine } of answers!.findings[i] ?? []) {
      const label = classes.classOf(name, rule);
      if (label === undefined || startLine === undefined) continue;
      lines.set(label, [...(lines.get(label) ?? []), startLine]);
    }
    return { text, lines };
  });
}
