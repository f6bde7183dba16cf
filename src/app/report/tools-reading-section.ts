import type { ToolComparison } from "../../tune/evaluate/compare/alerts/alert-comparison.ts";
import type { DecidedRow } from "../../tune/evaluate/compare/alerts/decided-row.ts";
import { fileExcerpt } from "./file-excerpt.ts";
import { formatCount } from "./format.ts";
import { type Html, html } from "./html.ts";
import { section } from "./parts.ts";

/** Rows that one side alone has right, class by class, with the lines that tools name. */
export function toReadSection({ decided, counts }: ToolComparison): Html | undefined {
  if (decided.length === 0) return undefined;
  return section(
    "Right alone",
    html`<p>Files that only a model has right in a class, or only tools; some of each to read, with the lines that tools name
marked.</p>`,
    counts.flatMap(({ label, onlyModel, onlyTools }) => {
      const own = decided.filter((row) => row.label === label);
      if (own.length === 0) return [];
      return [
        html`<details><summary>${label}: only the model is right in ${formatCount(onlyModel)}, only tools in ${formatCount(onlyTools)}</summary>
${own.map(rowToRead)}</details>`,
      ];
    }),
  );
}

function rowToRead({ label, where, row, isTrue, model, right, tools, named, text }: DecidedRow): Html {
  const ranges = named.flatMap(({ startLine, endLine }) =>
    startLine === null ? [] : [{ start: startLine, end: endLine ?? startLine }],
  );
  const who =
    right === "model" ? `only ${model} is right, not ${tools.join(", ")}` : `${tools.join(", ")} right, not ${model}`;
  const found = [...new Set(named.map(describeNamed))];
  return html`<h3>${where ?? `row ${row}`}: ${isTrue ? label : `not ${label}`}</h3>
<p class="quiet">${who}${found.length > 0 && html`. ${found.join("; ")}`}</p>
${fileExcerpt(text, ranges)}`;
}

function describeNamed({ tool, rule, message, startLine }: DecidedRow["named"][number]): string {
  const about = message === "" ? "" : `: ${message.length > 120 ? `${message.slice(0, 120)}…` : message}`;
  return `${tool} ${rule}${startLine === null ? "" : ` in line ${startLine}`}${about}`;
}
