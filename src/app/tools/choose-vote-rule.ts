/** How tools are best put together into labels of a class, by rows whose labels are known. */
import { carried, type Vote, type VoteRule } from "./vote.ts";

export interface ChosenRule extends VoteRule {
  /** On the known rows. */
  readonly f1: number;
  readonly precision: number;
  readonly recall: number;
}

/** A rule of a tool that is right in fewer of the rows where it fires may be left out. */
const LEAST_PRECISION = 0.5;

/**
 * The rule with the best F1, of one to all tools that must agree, with all rules of theirs and without those that are
 * wrong more often than right. Of rules that do equally well, the first: fewer tools, nothing left out.
 * @param votes [rows] what tools found of the class
 * @param truth [rows] whether the row has it
 */
export function chooseVoteRule(
  votes: readonly (readonly Vote[] | undefined)[],
  truth: readonly boolean[],
  tools: number,
): ChosenRule {
  const wrong = moreWrongThanRight(votes, truth);
  let best: ChosenRule | undefined;
  for (const without of wrong.size === 0 ? [wrong] : [new Set<string>(), wrong]) {
    for (let least = 1; least <= tools; least++) {
      const rule = measured(votes, truth, { votes: least, without });
      if (best === undefined || rule.f1 > best.f1 + 1e-9) best = rule;
    }
  }
  return best!;
}

/** How a rule does. */
export function measured(
  votes: readonly (readonly Vote[] | undefined)[],
  truth: readonly boolean[],
  rule: VoteRule,
): ChosenRule {
  let both = 0;
  let said = 0;
  votes.forEach((row, i) => {
    if (carried(row, rule).length === 0) return;
    said++;
    if (truth[i]!) both++;
  });
  const positives = truth.filter(Boolean).length;
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
  return {
    ...rule,
    f1: share(2 * both, said + positives),
    precision: share(both, said),
    recall: share(both, positives),
  };
}

function moreWrongThanRight(
  votes: readonly (readonly Vote[] | undefined)[],
  truth: readonly boolean[],
): ReadonlySet<string> {
  const counts = new Map<string, { fired: number; right: number }>();
  votes.forEach((row, i) => {
    for (const name of new Set((row ?? []).map(({ tool, rule }) => `${tool} ${rule}`))) {
      const count = counts.get(name) ?? { fired: 0, right: 0 };
      counts.set(name, count);
      count.fired++;
      if (truth[i]!) count.right++;
    }
  });
  const wrong = [...counts].filter(([, { fired, right }]) => right < LEAST_PRECISION * fired);
  return new Set(wrong.map(([name]) => name));
}
