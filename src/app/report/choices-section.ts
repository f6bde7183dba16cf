import { type Html, html } from "./html.ts";
import { scrolling, section } from "./parts.ts";
import type { Fact } from "./report-data.ts";
import type { Choice } from "./run-history.ts";

/** What the recipe said, and what Fettle chose where it said nothing. */
export function choicesSection(settings: readonly Fact[], choices: readonly Choice[]): Html | undefined {
  if (settings.length + choices.length === 0) return undefined;
  const row = ({ name, value, reason }: Choice): Html =>
    html`<tr><th scope="row">${name}</th><td>${value}</td><td>${reason}</td></tr>`;
  const table = html`<table><thead><tr>
<th scope="col">Setting</th><th scope="col">Value</th><th scope="col">Why</th></tr></thead>
<tbody>${settings.map((setting) => row({ ...setting, reason: "recipe" }))}${choices.map(row)}</tbody></table>`;
  return section("Settings and their reasons", scrolling("Settings", table));
}
