import { type Html, html } from "./html.ts";
import { factTable, section } from "./parts.ts";
import type { ReportData } from "./report-data.ts";

/** How to get the same weights again, and how to tell that they are the same. */
export function reproduceSection({ command, seed, versions, sha256, recipe }: ReportData["reproduce"]): Html {
  return section(
    "Do it again",
    html`<pre>${command}</pre>`,
    factTable([
      ["Seed", String(seed)],
      ...versions.map(({ name, value }) => [name, value] as const),
      ["SHA-256 of the weights", html`<code>${sha256}</code>`],
    ]),
    html`<details><summary>Recipe</summary><pre>${recipe}</pre></details>`,
  );
}
