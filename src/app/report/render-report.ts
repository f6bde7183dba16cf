import { answerSection } from "./answer-section.ts";
import { choicesSection } from "./choices-section.ts";
import { classesSection } from "./classes-section.ts";
import { confusionSection } from "./confusion-section.ts";
import { costSection, ledgerSection } from "./cost-section.ts";
import { courseSection } from "./course-section.ts";
import { html, trusted } from "./html.ts";
import { mistakesSection } from "./mistakes-section.ts";
import { pageStyle } from "./page-style.ts";
import type { ReportData } from "./report-data.ts";
import { reproduceSection } from "./reproduce-section.ts";

/**
 * A run as one HTML file that needs nothing else: no script, no font, no picture from elsewhere. The content policy
 * keeps it so, whatever the texts of the data contain.
 */
export function renderReport(data: ReportData): string {
  const { history, evaluation } = data;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${data.title}</title>
<style>${trusted(pageStyle)}</style>
</head>
<body>
${answerSection(data)}
<main>
${evaluation && classesSection(evaluation)}
${courseSection(history)}
${evaluation && confusionSection(evaluation)}
${evaluation && mistakesSection(evaluation.mistakes)}
${history.ledger && ledgerSection(history.ledger)}
${costSection(data)}
${choicesSection(data.method.settings, history.choices)}
${reproduceSection(data.reproduce)}
</main>
</body>
</html>
`.markup;
}
