import type { Ledger, Taken } from "../../base/events.ts";
import { formatBytes, formatCount, formatDuration, formatFlops, formatPercent } from "./format.ts";
import { type Html, html } from "./html.ts";
import { factTable, scrolling, section } from "./parts.ts";
import type { ReportData } from "./report-data.ts";

/** The work that packs saved: what one example at a time would have taken, against what was computed. */
export function ledgerSection(ledger: Ledger): Html {
  const row = (name: string, plain: number, computed: number, format: (value: number) => string): Html => html`<tr>
<th scope="row">${name}</th><td class="number">${format(plain)}</td><td class="number">${format(computed)}</td>
<td class="number">${plain === 0 ? "" : formatPercent(1 - computed / plain)}</td></tr>`;
  const { tokens, tokensComputed, logitRows, flopsPlain, flopsComputed } = ledger;
  const table = html`<table><thead><tr><th scope="col"></th><th scope="col" class="number">One by one</th>
<th scope="col" class="number">Computed</th><th scope="col" class="number">Saved</th></tr></thead><tbody>
${row("Tokens through the model", tokens, tokensComputed, formatCount)}
${row("Rows through the head", tokens, logitRows, formatCount)}
${row("Arithmetic", flopsPlain, flopsComputed, formatFlops)}</tbody></table>`;
  return section(
    "Work saved",
    html`<p>${formatCount(ledger.examples)} examples of ${formatCount(tokens)} tokens,
${formatCount(ledger.supervisedTokens)} of them learnt. Shared beginnings were computed once, and only learnt positions met
the vocabulary: same loss, less work.</p>`,
    scrolling("Work saved", table),
  );
}

/** What the run took from the machine. */
export function costSection({ cost, model, trainingData, evaluation }: ReportData): Html {
  const { base, tuned } = evaluation ?? {};
  const scoring = [base, tuned].filter((scored) => scored !== undefined);
  return section(
    "Cost",
    factTable([
      ["Device", cost.device],
      ["Time", formatDuration(cost.seconds)],
      ...cost.phases.map(({ name, seconds }): [string, string] => [`– ${name}`, formatDuration(seconds)]),
      ["Peak memory", formatBytes(cost.peakMemoryBytes)],
      ...(cost.measured && cost.predicted ? [deviceMemory(cost.predicted, cost.measured)] : []),
      ["Size of the output", formatBytes(cost.outputBytes)],
      [
        "Parameters trained",
        `${formatCount(model.trainedParameters)} of ${formatCount(model.parameters)} ` +
          `(${formatPercent(model.trainedParameters / model.parameters)})`,
      ],
      ["Training rows", describeRows(trainingData)],
      ...(scoring.length === 0
        ? []
        : [
            [
              "Scoring",
              scoring.map((scored) => `${formatCount(scored.examplesPerSecond)} rows/s`).join(" before, "),
            ] as const,
          ]),
    ]),
  );
}

function deviceMemory(predicted: Taken, measured: Taken): readonly [string, string] {
  return ["– of the device", `${formatBytes(measured.peakBytes)}, foreseen ${formatBytes(predicted.peakBytes)}`];
}

function describeRows({ name, rows, skipped, cut }: ReportData["trainingData"]): string {
  const parts = [`${formatCount(rows)} of ${name}`];
  if (skipped > 0) parts.push(`${formatCount(skipped)} skipped`);
  if (cut > 0) parts.push(`${formatCount(cut)} cut to fit`);
  return parts.join(", ");
}
