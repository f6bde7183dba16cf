import type { Mistake } from "../../tune/evaluate/mistakes.ts";
import { formatPercent } from "./format.ts";
import { type Html, html } from "./html.ts";
import { excerpt, section } from "./parts.ts";

const LONGEST_TEXT = 500;
/** Mistakes that stand open. */
const SHOWN = 10;

/** Wrong answers to read. */
export function mistakesSection(mistakes: readonly Mistake[]): Html | undefined {
  if (mistakes.length === 0) return undefined;
  const item = ({ text, label, predicted, probability }: Mistake): Html => html`<li>
<q>${excerpt(text, LONGEST_TEXT)}</q>
<span class="quiet">labelled <b>${label}</b>,
predicted <b>${predicted}</b> with ${formatPercent(probability)}</span></li>`;
  return section(
    "Mistakes to read",
    html`<p>The wrong answers that the model was surest of. A wrong label in the data shows here first.</p>
<ol class="mistakes">${mistakes.slice(0, SHOWN).map(item)}</ol>
${
  mistakes.length > SHOWN &&
  html`<details><summary>${mistakes.length - SHOWN} more</summary>
<ol class="mistakes">${mistakes.slice(SHOWN).map(item)}</ol></details>`
}`,
  );
}
