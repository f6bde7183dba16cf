import { answerSection } from "./answer-section.ts";
import { choicesSection } from "./choices-section.ts";
import { classesSection } from "./classes-section.ts";
import { comparisonSection } from "./comparison-section.ts";
import { confusionSection } from "./confusion-section.ts";
import { costSection, ledgerSection } from "./cost-section.ts";
import { courseSection } from "./course-section.ts";
import { curvesSection } from "./curves-section.ts";
import { dataSection } from "./data-section.ts";
import { html } from "./html.ts";
import { mistakesSection } from "./mistakes-section.ts";
import { renderPage } from "./page.ts";
import type { ReportData } from "./report-data.ts";
import { reproduceSection } from "./reproduce-section.ts";
import { toolsSections } from "./tools-section.ts";
import { writtenSection } from "./written-section.ts";

/** A run as one HTML file that needs nothing else. */
export function renderReport(data: ReportData): string {
  const { history, evaluation } = data;
  return renderPage(
    data.title,
    html`${answerSection(data)}
<main>
${evaluation && classesSection(evaluation)}
${data.written && writtenSection(data.written)}
${data.comparison?.beside && toolsSections(data.comparison.beside)}
${data.comparison && comparisonSection(data.comparison)}
${evaluation && confusionSection(evaluation)}
${evaluation && curvesSection(evaluation)}
${evaluation && mistakesSection(evaluation.mistakes)}
${courseSection(history)}
${dataSection(data)}
${history.ledger && ledgerSection(history.ledger)}
${costSection(data)}
${choicesSection(data.method.settings, history.choices)}
${reproduceSection(data.reproduce)}
</main>`,
  );
}
