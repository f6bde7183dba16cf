/** Markup that may stand in a page as it is. `html` and `trusted` make it, so user text cannot slip in unescaped. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

/** What may stand in a `${}` of `html`; `undefined` and `false` leave nothing behind. */
export type HtmlPart = string | number | Html | undefined | false | readonly HtmlPart[];

/** Tagged template: every interpolated text is escaped, every `Html` is put in as it is, lists are joined. */
export function html(strings: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  return new Html(strings.reduce((markup, text, i) => markup + render(parts[i - 1]) + text));
}

/** Markup of our own making: a style sheet, a drawn chart. */
export function trusted(markup: string): Html {
  return new Html(markup);
}

/** Text as it may stand in an element or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function render(part: HtmlPart): string {
  if (part === undefined || part === false) return "";
  if (part instanceof Html) return part.markup;
  if (typeof part === "object") return part.map(render).join("");
  return escapeHtml(String(part));
}
