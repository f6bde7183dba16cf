/** Labels by what tools found: how many must agree on a class, and whose rules do not count. */
import { LEFT_OUT, type RuleClasses } from "../../base/taxonomy/rule-classes.ts";
import type { ToolAnswers, ToolFinding } from "./tool.ts";

export interface VoteRule {
  /** Tools that must find the class. */
  readonly votes: number;
  /** `hadolint DL3066`: findings of these do not count. */
  readonly without: ReadonlySet<string>;
}

/** What a tool found of one class in a text. */
export interface Vote {
  readonly tool: string;
  readonly rule: string;
  readonly line: number | undefined;
}

/** What tools say of one text, by class, each rule and line once. */
export function votesOf(
  answers: readonly ToolAnswers[],
  text: number,
  classes: RuleClasses,
): ReadonlyMap<string, readonly Vote[]> {
  const votes = new Map<string, Vote[]>();
  const seen = new Set<string>();
  for (const { tool, findings } of answers) {
    for (const { rule, startLine: line } of findings[text] ?? ([] as readonly ToolFinding[])) {
      const label = classes.classOf(tool, rule);
      const key = `${tool} ${rule} ${line}`;
      if (label === undefined || label === LEFT_OUT || seen.has(key)) continue;
      seen.add(key);
      votes.set(label, [...(votes.get(label) ?? []), { tool, rule, line }]);
    }
  }
  return votes;
}

/** The votes that count, none where too few tools agree. */
export function carried(votes: readonly Vote[] | undefined, { votes: least, without }: VoteRule): readonly Vote[] {
  const counted = (votes ?? []).filter(({ tool, rule }) => !without.has(`${tool} ${rule}`));
  return new Set(counted.map(({ tool }) => tool)).size >= least ? counted : [];
}
