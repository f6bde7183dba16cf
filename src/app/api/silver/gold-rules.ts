/** The rule of voting of each class that agrees best with rows whose labels are known. */
import { UserError } from "../../../base/errors.ts";
import { suggestName } from "../../../base/names.ts";
import { RuleClasses } from "../../../base/taxonomy/rule-classes.ts";
import type { Taxonomy } from "../../../base/taxonomy/taxonomy.ts";
import { textsOf } from "../../../tune/data/keep-row.ts";
import { labelListNames } from "../../../tune/data/shape.ts";
import { chooseVoteRule, measured } from "../../tools/choose-vote-rule.ts";
import { type Vote, votesOf } from "../../tools/vote.ts";
import type { Ask, LabelRule, SilverOptions } from "./silver-options.ts";
import { type TextRow, textRows } from "./text-rows.ts";

/**
 * With `votes` given, that many tools must agree in each class, and it is only measured.
 * @throws UserError for rows without labels, or with some that the taxonomy does not have
 */
export async function goldRules(
  paths: readonly string[],
  taxonomy: Taxonomy,
  ask: Ask,
  { reading, tools, votes: least, onEvent = () => {} }: SilverOptions,
): Promise<ReadonlyMap<string, LabelRule>> {
  const classes = new RuleClasses(taxonomy);
  const names = taxonomy.classes.map(({ name }) => name);
  const votes: ReadonlyMap<string, readonly Vote[]>[] = [];
  const truth: ReadonlySet<string>[] = [];
  for await (const rows of textRows(paths, reading, { skipped: 0 }, onEvent)) {
    const answers = await ask(
      rows.map(({ text }) => text),
      "gold rows",
    );
    for (const [i, row] of rows.entries()) {
      truth.push(labelsOf(row, names));
      votes.push(votesOf(answers, i, classes));
    }
  }
  const rules = new Map<string, LabelRule>();
  for (const name of names) {
    const found = votes.map((row) => row.get(name));
    const has = truth.map((labels) => labels.has(name));
    const rule =
      least === undefined
        ? chooseVoteRule(found, has, new Set(tools).size)
        : measured(found, has, { votes: least, without: new Set<string>() });
    rules.set(name, rule);
    if (least !== undefined) continue;
    const value = `${rule.votes} of ${new Set(tools).size} tools${rule.without.size === 0 ? "" : `, without ${[...rule.without].join(", ")}`}`;
    const reason = `best F1 on ${has.length} gold rows: ${rule.f1.toFixed(2)}`;
    onEvent({ kind: "choice", name: `votes for ${name}`, value, reason });
  }
  return rules;
}

function labelsOf({ fields, where }: TextRow, names: readonly string[]): ReadonlySet<string> {
  const field = labelListNames.find((name) => textsOf(fields[name]) !== undefined);
  const labels = field === undefined ? undefined : textsOf(fields[field]);
  if (labels === undefined) {
    const fix = `gold rows need a list of labels in a field such as ${labelListNames.slice(0, 2).join(" or ")}`;
    throw new UserError({ code: "silver/no-labels", message: "the row has no labels", where, fix });
  }
  const unknown = labels.find((label) => !names.includes(label));
  if (unknown !== undefined) {
    const message = `the taxonomy has no class ${unknown}`;
    throw new UserError({ code: "silver/unknown-label", message, where, fix: suggestName(unknown, names) });
  }
  return new Set(labels);
}
