import type { SeriesStyle } from "./chart.ts";
import { type Html, html, trusted } from "./html.ts";

export interface LegendEntry extends SeriesStyle {
  readonly name: string;
}

/** Which line or bar is whose, in text that wraps. */
export function legend(entries: readonly LegendEntry[]): Html {
  const item = ({ name, color, dashed }: LegendEntry): Html =>
    html`<li><span class="key ${dashed && "dashed"}" style="${trusted(`--key: ${color}`)}"></span>${name}</li>`;
  return html`<ul class="legend">${entries.map(item)}</ul>`;
}
