/** Rows labelled by what scanners find in their texts: many and cheap, for training only. */
import { homedir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../../base/errors.ts";
import { loadTaxonomy } from "../../../base/taxonomy/load-taxonomy.ts";
import { RuleClasses } from "../../../base/taxonomy/rule-classes.ts";
import type { Taxonomy } from "../../../base/taxonomy/taxonomy.ts";
import { RowFile, rowFileFormat } from "../../../tune/data/row-file.ts";
import { textNames } from "../../../tune/data/shape.ts";
import { deviceEnvironment } from "../../environment.ts";
import { askTools } from "../../tools/ask-tools.ts";
import { findTools } from "../../tools/find-tools.ts";
import type { ToolProgram } from "../../tools/tool.ts";
import { carried, votesOf } from "../../tools/vote.ts";
import { refuseExisting } from "../split-data.ts";
import { goldRules } from "./gold-rules.ts";
import { SilverCounts, type SilverTotals } from "./silver-counts.ts";
import type { Ask, LabelRule, SilverOptions } from "./silver-options.ts";
import { textRows } from "./text-rows.ts";

export interface SilverLabels extends SilverTotals {
  readonly kind: "silver";
  /** Rows by the file they were written to. */
  readonly files: Readonly<Record<string, number>>;
}

/**
 * Labels rows one chunk after the other. Killed and started again, it takes what tools have said from the cache.
 * @throws UserErrors naming every tool that is not here; UserError when the file is there, or no row has a text
 */
export async function silverLabels(inputs: readonly string[], options: SilverOptions): Promise<SilverLabels> {
  const { output, onEvent = () => {} } = options;
  const { format } = rowFileFormat(output);
  if (format === "csv" || format === "tsv") {
    throw new UserError({
      code: "data/output-format",
      message: "rows with several labels are written as JSON",
      where: output,
      fix: "end the name in .jsonl",
    });
  }
  if (options.force !== true) refuseExisting(output);
  const taxonomy = loadTaxonomy(options.taxonomy);
  const programs = await findTools(options.tools, options.kind);
  const ask = asker(programs, taxonomy, options);
  const rules =
    options.gold === undefined
      ? sameRules(taxonomy, options.votes ?? 1, programs)
      : await goldRules(options.gold, taxonomy, ask, options);
  const classes = new RuleClasses(taxonomy);
  const counts = new SilverCounts(programs, rules);
  using file = new RowFile(output);
  let first = 1;
  for await (const rows of textRows(inputs, options.reading, counts, onEvent)) {
    const answers = await ask(
      rows.map(({ text }) => text),
      `rows from ${first}`,
    );
    first += rows.length;
    counts.addRun(answers);
    for (const [i, { fields, text }] of rows.entries()) {
      if (answers.every(({ findings }) => findings[i] === undefined)) {
        counts.skipped++;
        continue;
      }
      const votes = votesOf(answers, i, classes);
      const labels: string[] = [];
      const lines: Record<string, number> = {};
      const found: Record<string, readonly string[]> = {};
      for (const [name, rule] of rules) {
        const counted = carried(votes.get(name), rule);
        counts.addVotes(name, votes.get(name) ?? [], counted.length > 0);
        if (counted.length === 0) continue;
        labels.push(name);
        found[name] = [...new Set(counted.map((vote) => `${vote.tool} ${vote.rule}`))];
        const line = counted.find((vote) => vote.line !== undefined)?.line;
        if (line !== undefined) lines[name] = line;
      }
      file.write({ ...fields, text, labels, lines, found });
    }
  }
  if (file.rows === 0) {
    throw new UserError({
      code: "silver/no-rows",
      message: "no row has a text that a tool could read",
      where: inputs.join(", "),
      fix: `rows need a field such as ${textNames.join(", ")}; name another by --column text=FIELD`,
    });
  }
  file.finish();
  return { kind: "silver", files: { [output]: file.rows }, ...counts.totals() };
}

function asker(programs: readonly ToolProgram[], taxonomy: Taxonomy, options: SilverOptions): Ask {
  const { kind, onEvent = () => {} } = options;
  const cacheFolder = deviceEnvironment().cacheFolder ?? join(homedir(), ".cache", "fettle");
  return (texts, task) =>
    askTools(programs, texts, {
      kind,
      taxonomy,
      cacheFolder,
      onEvent: (event) => onEvent(event.kind === "progress" ? { ...event, task: `${task}: ${event.task}` } : event),
    });
}

function sameRules(
  taxonomy: Taxonomy,
  votes: number,
  programs: readonly ToolProgram[],
): ReadonlyMap<string, LabelRule> {
  if (votes > programs.length) {
    throw new UserError({
      code: "silver/votes",
      message: `${votes} tools are to agree, and ${programs.length} are asked`,
      fix: "ask more tools by --tools, or lower --votes",
    });
  }
  return new Map(taxonomy.classes.map(({ name }) => [name, { votes, without: new Set<string>() }]));
}
