import type {
  AlertFigures,
  AlertPair,
  Matched,
  ToolComparison,
} from "../../tune/evaluate/compare/alerts/alert-comparison.ts";
import { formatChange, formatCount } from "./format.ts";
import { type Html, html } from "./html.ts";
import { rowName, scrolling, section } from "./parts.ts";
import { CHOSEN_ON, pointsOf } from "./tools-words.ts";

const WAYS = ["atPrecision", "atAlerts"] as const;
type Way = (typeof WAYS)[number];

/** Models with their thresholds moved to be like each tool in one respect. */
export function matchedSection({ pairs }: ToolComparison): Html | undefined {
  const movable = pairs.filter(({ atAlerts }) => atAlerts !== null);
  if (movable.length === 0) return undefined;
  const chosen = [...new Set(movable.map((pair) => CHOSEN_ON[pair.atPrecision!.chosenOn]))].join("; ");
  return section(
    "At the same precision, and with as many alerts",
    html`<p>A model that raises more alerts finds more and is wrong more often. So its thresholds are moved until its precision
is at least the tool's, ${chosen}; and until it raises as many alerts as the tool, ${CHOSEN_ON.alerts}. Over several classes all
thresholds move together, by the same log-odds; of single classes each by itself. Intervals hold them where they are.</p>`,
    WAYS.map((way) => [overallTable(movable, way), classTable(movable, way)]),
  );
}

const TITLES: Readonly<Record<Way, string>> = {
  atPrecision: "At the tool's precision",
  atAlerts: "With as many alerts as the tool",
};

function overallTable(pairs: readonly AlertPair[], way: Way): Html {
  const rows = pairs.flatMap((pair) => {
    const { overall, covered } = pair[way]!;
    const note = covered && html`<span class="quiet">on its classes</span>`;
    return [
      html`<tr>${rowName(nameOf(pair))}${matchedCells(overall)}</tr>`,
      covered && html`<tr>${rowName("on its classes", note ?? "")}${matchedCells(covered)}</tr>`,
    ].flatMap((row) => row ?? []);
  });
  return matchedTable(TITLES[way], html`<tbody>${rows}</tbody>`);
}

function classTable(pairs: readonly AlertPair[], way: Way): Html {
  const groups = pairs.map(
    (pair) => html`<tbody><tr><th colspan="8" scope="rowgroup">${nameOf(pair)}</th></tr>
${pair[way]!.perClass.map((matched) => html`<tr><td>${matched.label}</td>${matchedCells(matched)}</tr>`)}</tbody>`,
  );
  const title = `${TITLES[way]}, class by class`;
  return html`<details><summary>${title}</summary>${matchedTable(title, html`${groups}`)}</details>`;
}

function nameOf({ model, tool }: AlertPair): string {
  return `${model} and ${tool}`;
}

function matchedTable(caption: string, bodies: Html): Html {
  const heads = ["Tool: alerts", "Precision", "Recall", "Model: alerts", "Precision", "Recall", "Recall, difference"];
  return scrolling(
    caption,
    html`<table><caption>${caption}; in percent</caption><thead><tr><th scope="col"></th>
${heads.map((head) => html`<th scope="col" class="number">${head}</th>`)}</tr></thead>${bodies}</table>`,
  );
}

function matchedCells({ tool, model, recall: { value, interval } }: Matched): Html {
  const cells = (figures: AlertFigures): Html => html`<td class="number">${formatCount(figures.alerts)}</td>
<td class="number">${pointsOf(figures.precision)}</td><td class="number">${pointsOf(figures.recall)}</td>`;
  const none = html`<td class="number quiet" colspan="3">${tool.alerts === 0 ? "nothing to match" : "no threshold has it"}</td>`;
  const ends = interval?.map(formatChange).join(" to ");
  return html`${cells(tool)}${model === null ? none : cells(model)}
<td class="number">${value === null ? "–" : formatChange(value)}${ends !== undefined && html`<span class="interval">${ends}</span>`}</td>`;
}
