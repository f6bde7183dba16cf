import type { TextEvaluation, WorstRow } from "../../tune/evaluate/text/text-evaluator.ts";
import { textMetrics } from "../../tune/evaluate/text/text-metrics.ts";
import { formatCount, formatInterval, formatPercent, formatPoints } from "./format.ts";
import { type Html, html } from "./html.ts";
import { beforeAfter, excerpt, scrolling, section } from "./parts.ts";

/** Written answers against the expected ones. */
export interface WrittenEvaluation {
  /** The set that was answered. */
  readonly name: string;
  readonly base?: TextEvaluation;
  readonly tuned: TextEvaluation;
}

const LONGEST_TEXT = 400;

/** How well answers are written, and the worst of them to read. */
export function writtenSection({ name, base, tuned }: WrittenEvaluation): Html {
  const row = (metric: string, title: string): Html => {
    const { value, interval } = tuned.metrics[metric]!;
    const was = base?.metrics[metric]?.value;
    return html`<tr><th scope="row">${title}</th>
<td class="number">${beforeAfter(was === undefined ? undefined : formatPoints(was), formatPercent(value))}</td>
<td class="number">${formatInterval(interval)}</td></tr>`;
  };
  const known = textMetrics.filter((metric) => tuned.metrics[metric.name] !== undefined);
  const table = html`<table>
<caption>Answers to ${formatCount(tuned.rows)} rows of ${name}${base && ", base model → tuned model"}</caption>
<thead><tr><th scope="col">Measure</th><th scope="col" class="number">Value</th>
<th scope="col" class="number">95&nbsp;% interval</th></tr></thead>
<tbody>${known.map((metric) => row(metric.name, metric.title))}</tbody>
</table>`;
  const item = ({ prompt, answer, expected }: WorstRow): Html => html`<li>
<q>${excerpt(prompt, LONGEST_TEXT)}</q>
<span class="quiet">expected <b>${excerpt(expected, LONGEST_TEXT)}</b>,
written <b>${excerpt(answer, LONGEST_TEXT)}</b></span></li>`;
  const worst =
    tuned.worst.length > 0 &&
    html`<h3>Answers farthest from what was expected</h3>
<ol class="mistakes">${tuned.worst.map(item)}</ol>`;
  return section("Written answers", scrolling("How well answers agree", table), worst || undefined);
}
