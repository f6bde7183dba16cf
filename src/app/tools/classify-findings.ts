import { LEFT_OUT, RuleClasses } from "../../base/taxonomy/rule-classes.ts";
import type { Taxonomy } from "../../base/taxonomy/taxonomy.ts";
import type { ToolAnswers, ToolFinding } from "./tool.ts";

/** What a tool's findings mean by a taxonomy. @param findings [texts] undefined where the tool could not read the text */
export function classifyFindings(
  tool: string,
  findings: readonly (readonly ToolFinding[] | undefined)[],
  taxonomy: Taxonomy,
): Pick<ToolAnswers, "findings" | "labels" | "unknownRules"> {
  const classes = new RuleClasses(taxonomy);
  const order = taxonomy.classes.map(({ name }) => name);
  const unknownRules = new Map<string, number>();
  const labels = findings.map((own) => {
    if (own === undefined) return undefined;
    const seen = new Set<string>();
    for (const { rule } of own) {
      const label = classes.classOf(tool, rule);
      if (label === undefined) unknownRules.set(rule, (unknownRules.get(rule) ?? 0) + 1);
      else if (label !== LEFT_OUT) seen.add(label);
    }
    return order.filter((label) => seen.has(label));
  });
  return { findings, labels, unknownRules };
}
