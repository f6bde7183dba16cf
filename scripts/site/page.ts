/** The frame of a page: what is around its text. */
import { escapeHtml } from "./escape-html.ts";
import type { Heading } from "./markdown.ts";

export interface NavigationGroup {
  readonly title: string;
  readonly pages: readonly { readonly title: string; readonly path: string }[];
}

export interface Page {
  /** In the site, such as `guide/serve.html`. */
  readonly path: string;
  readonly title: string;
  readonly html: string;
  readonly headings: readonly Heading[];
}

/** Where `to` is, seen from the page `from`; both are paths in the site. */
export function relativePath(from: string, to: string): string {
  return "../".repeat(from.split("/").length - 1) + to;
}

/** The whole document. Without scripts everything but search, copying and the choice of colours works. */
export function pageHtml(page: Page, navigation: readonly NavigationGroup[]): string {
  const { path, title, html, headings } = page;
  const to = (target: string): string => relativePath(path, target);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title === "Fettle" ? "Fettle" : `${title} · Fettle`)}</title>
<link rel="stylesheet" href="${to("site.css")}">
<script src="${to("client.js")}" data-index="${to("search-index.js")}"></script>
</head>
<body>
<a class="skip" href="#text">Skip to the text</a>
<header>
<a class="name" href="${to("index.html")}">Fettle</a>
<button type="button" class="menu scripted" aria-expanded="false" aria-controls="navigation">Contents</button>
<div class="search scripted" role="search">
<input type="search" role="combobox" aria-label="Search" aria-expanded="false" aria-controls="found" aria-autocomplete="list" placeholder="Search ( / )" autocomplete="off" spellcheck="false">
<ul id="found" role="listbox" aria-label="What was found" hidden></ul>
</div>
<button type="button" class="theme scripted">Dark</button>
</header>
<div class="columns">
<nav id="navigation" aria-label="Pages">
${navigation.map((group) => groupHtml(group, path)).join("\n")}
</nav>
<main id="text" tabindex="-1">
${html}${neighbours(path, navigation)}
</main>
${tableOfContents(headings)}
</div>
</body>
</html>
`;
}

function groupHtml({ title, pages }: NavigationGroup, here: string): string {
  const items = pages.map(({ title: name, path }) => {
    const current = path === here ? ' aria-current="page"' : "";
    return `<li><a href="${relativePath(here, path)}"${current}>${escapeHtml(name)}</a></li>`;
  });
  return `<h2>${escapeHtml(title)}</h2>\n<ul>\n${items.join("\n")}\n</ul>`;
}

function neighbours(here: string, navigation: readonly NavigationGroup[]): string {
  const pages = navigation.flatMap((group) => group.pages);
  const at = pages.findIndex(({ path }) => path === here);
  if (at < 0) return "";
  const link = (page: (typeof pages)[number] | undefined, words: string, rel: string): string =>
    page === undefined
      ? "<span></span>"
      : `<a rel="${rel}" href="${relativePath(here, page.path)}"><span>${words}</span> ${escapeHtml(page.title)}</a>`;
  return `<p class="neighbours">${link(pages[at - 1], "Before", "prev")}${link(pages[at + 1], "Next", "next")}</p>`;
}

function tableOfContents(headings: readonly Heading[]): string {
  const shown = headings.filter(({ level }) => level === 2 || level === 3);
  if (shown.length < 2) return "";
  const items = shown.map(
    ({ level, anchor, text }) => `<li class="level-${level}"><a href="#${anchor}">${escapeHtml(text)}</a></li>`,
  );
  return `<aside><nav aria-label="On this page">\n<h2>On this page</h2>\n<ul>\n${items.join("\n")}\n</ul>\n</nav></aside>`;
}
