import { type Html, type HtmlPart, html } from "./html.ts";

/** A titled part of the page. */
export function section(title: string, ...content: readonly HtmlPart[]): Html {
  return html`<section><h2>${title}</h2>${content}</section>`;
}

/** Two columns of names and values. */
export function factTable(facts: readonly (readonly [name: string, value: HtmlPart])[]): Html {
  const rows = facts.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`);
  return html`<table class="facts"><tbody>${rows}</tbody></table>`;
}

/** A name at the head of a row: a long one has room, so that it does not break at every hyphen. */
export function rowName(name: string, content: HtmlPart = name): Html {
  return html`<th scope="row" class="${name.length > 12 && "long"}">${content}</th>`;
}

/** A wide table scrolls on a narrow screen, by touch and by keyboard. */
export function scrolling(label: string, table: Html): Html {
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0">${table}</div>`;
}

/** `27.0 → 86.4`, or only what is known after. */
export function beforeAfter(before: string | undefined, after: string): Html {
  return before === undefined ? html`${after}` : html`<span class="before">${before} → </span>${after}`;
}

/** Text of unknown length, cut for reading. */
export function excerpt(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return `${text.slice(0, limit).trimEnd()}…`;
}
