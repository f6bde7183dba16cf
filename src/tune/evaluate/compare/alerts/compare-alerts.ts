import { Clusters } from "../clusters.ts";
import { testPair } from "../compare-pair.ts";
import { holm } from "../holm.ts";
import type { PairTest } from "../mcnemar.ts";
import type { ResampleOptions } from "../resample.ts";
import type { AlertComparison, OverallFigures, SubjectFigures, TestedDifference } from "./alert-comparison.ts";
import { Figures } from "./alert-figures.ts";
import { listParts, partsOf, sharesRight } from "./alert-parts.ts";
import type { AlertTable } from "./alert-table.ts";
import { combineAlerts } from "./combine-alerts.ts";
import { compareModelWithTool } from "./compare-model-with-tool.ts";
import { drawSums } from "./drawn-sums.ts";

export interface CompareAlertsOptions extends ResampleOptions {
  /** [rows] rows with the same key belong together. */
  readonly groups?: readonly string[] | undefined;
}

/**
 * Sets models beside scanners: scores of each label and of all, of all labels and of those that a tool has rules for; the same
 * at each tool's precision and number of alerts; what they say together; and tests of accuracy, corrected over all of them.
 * @param table of one model and one tool at least, and one row
 */
export function compareAlerts(table: AlertTable, { groups, ...options }: CompareAlertsOptions): AlertComparison {
  const { labels, targets, models, tools } = table;
  const rows = targets.length / labels.length;
  const clusters = groups === undefined ? Clusters.single(rows) : Clusters.by(groups);
  const together = combineAlerts(models, tools);
  const everyone = [...models, ...tools, ...together];
  const sums = drawSums(targets, labels.length, everyone, clusters, options);
  const each = labels.map((_, label) => label);
  const overallOf = (s: number): OverallFigures => new Figures(sums, s, each).overall();
  const subjects = [...models, ...tools].map(({ name }, s): SubjectFigures => {
    const tool = tools[s - models.length];
    const parts = tool && partsOf(tool);
    return {
      name,
      kind: tool ? "tool" : "model",
      covers: parts?.single.map(([label]) => labels[label]!) ?? null,
      overall: overallOf(s),
      covered: parts?.covered ? new Figures(sums, s, parts.covered).overall() : null,
      perClass: each.map((label) => new Figures(sums, s, [label]).figures()),
    };
  });
  const pairs = models.flatMap((model) => tools.map((tool, t) => ({ model, tool, t })));
  const tests = pairs.map(({ model, tool }) =>
    listParts(partsOf(tool)).map((of) => {
      const shares = sharesRight(targets, labels.length, [tool, model], of);
      return testPair({ ...shares, clusters }, options.seed);
    }),
  );
  const judged = corrected(tests);
  return {
    labels,
    support: each.map((label) => sums.there[label]![0]!),
    subjects,
    together: together.map(({ name }, s) => ({ name, overall: overallOf(subjects.length + s) })),
    pairs: pairs.map((pair, p) => compareModelWithTool(table, pair, judged[p]!, clusters, options)),
  };
}

/** By Holm's method, over all tests of all pairs. */
function corrected(tests: readonly (readonly PairTest[])[]): Omit<TestedDifference, "verdict">[][] {
  const adjusted = holm(tests.flat().map(({ pValue }) => pValue)).values();
  return tests.map((own) => own.map((test) => ({ ...test, adjusted: adjusted.next().value! })));
}
