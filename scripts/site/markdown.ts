/** Markdown as the site shows it: anchors as on GitHub, links between pages, tables that scroll, code that can be copied. */
import MarkdownIt from "markdown-it";
import { escapeHtml } from "./escape-html.ts";

export interface Heading {
  readonly level: number;
  readonly anchor: string;
  readonly text: string;
}

/** A heading with the words below it, up to the next heading. */
export interface Section {
  readonly heading: Heading;
  readonly words: string;
}

export interface RenderedMarkdown {
  readonly html: string;
  /** The first heading. */
  readonly title: string;
  readonly sections: readonly Section[];
}

/** The anchor that GitHub gives a heading. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}\p{Pc} -]/gu, "")
    .replaceAll(" ", "-");
}

/**
 * @param link where a link of the text leads in the site
 * @throws Error for a text without a heading
 */
export function renderMarkdown(text: string, link: (target: string) => string): RenderedMarkdown {
  const markdown = new MarkdownIt({ html: false, linkify: false });
  const tokens = markdown.parse(text.replace(/^<!--.*?-->$/gms, ""), {});
  const sections: { heading: Heading; words: string }[] = [];
  const taken = new Map<string, number>();
  for (const [i, token] of tokens.entries()) {
    if (token.type === "inline") {
      const plain = (token.children ?? []).map(({ content, type }) => (type === "softbreak" ? " " : content)).join("");
      for (const child of token.children ?? []) {
        if (child.type === "link_open") child.attrSet("href", link(String(child.attrGet("href"))));
      }
      const before = tokens[i - 1]!;
      if (before.type === "heading_open") {
        const anchor = anchorOf(plain);
        const again = taken.get(anchor) ?? 0;
        taken.set(anchor, again + 1);
        const unique = again === 0 ? anchor : `${anchor}-${again}`;
        before.attrSet("id", unique);
        sections.push({ heading: { level: Number(before.tag.slice(1)), anchor: unique, text: plain }, words: "" });
      } else if (sections.length > 0) sections.at(-1)!.words += `${plain} `;
    } else if ((token.type === "fence" || token.type === "code_block") && sections.length > 0)
      sections.at(-1)!.words += `${token.content} `;
  }
  const { rules } = markdown.renderer;
  rules.fence = (all, i) =>
    `<div class="code"><pre tabindex="0"><code>${escapeHtml(all[i]!.content)}</code></pre></div>\n`;
  rules.code_block = rules.fence;
  rules.table_open = () => '<div class="scroll" tabindex="0"><table>\n';
  rules.table_close = () => "</table></div>\n";
  rules.heading_close = (all, i) => {
    const { anchor, text: words } = sectionOf(String(all[i - 2]!.attrGet("id")));
    const { tag } = all[i]!;
    return tag === "h1"
      ? "</h1>\n"
      : ` <a class="anchor" href="#${anchor}" aria-label="Link to ${escapeHtml(words)}">#</a></${tag}>\n`;
  };
  const sectionOf = (anchor: string): Heading => sections.find(({ heading }) => heading.anchor === anchor)!.heading;
  const title = sections[0]?.heading.text;
  if (title === undefined) throw new Error("a page needs a heading");
  return { html: markdown.renderer.render(tokens, markdown.options, {}), title, sections };
}
