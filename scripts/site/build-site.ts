/** The whole site in memory: every page, and what pages link to. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import { type ContentsGroup, contents } from "./contents.ts";
import { escapeHtml } from "./escape-html.ts";
import { type RenderedMarkdown, renderMarkdown } from "./markdown.ts";
import { type NavigationGroup, pageHtml, relativePath } from "./page.ts";

/** Source files above this are not shown, only named. */
const MAX_SOURCE_BYTES = 200_000;

/**
 * @param root folder of the project
 * @returns text of each file of the site by its path
 * @throws Error for a link or an anchor that leads nowhere
 */
export function buildSite(root: string): Map<string, string> {
  const groups = allGroups(root);
  const files = groups.flatMap((group) => group.files);
  const pathOf = new Map(files.map((file) => [file, sitePath(file)]));

  const sources = new Set<string>();
  const anchored: { file: string; target: string; path: string; anchor: string }[] = [];
  const rendered = new Map<string, RenderedMarkdown>();
  for (const file of files) {
    const link = (target: string): string => {
      if (/^[a-z]+:/.test(target)) return target;
      const [relative = "", anchor] = target.split("#");
      const at = relative === "" ? file : posix.join(posix.dirname(file), relative).replace(/\/$/, "");
      if (at.startsWith("..") || !existsSync(join(root, at))) throw new Error(`${file}: ${target} is not there`);
      const page = pathOf.get(at) ?? pathOf.get(`${at}/README.md`);
      if (page === undefined) sources.add(at);
      const path = page ?? sourcePath(at);
      if (page !== undefined && anchor !== undefined) anchored.push({ file, target, path: page, anchor });
      const href = relative === "" ? "" : relativePath(sitePath(file), path);
      return anchor === undefined ? href : `${href}#${anchor}`;
    };
    rendered.set(sitePath(file), renderMarkdown(readFileSync(join(root, file), "utf8"), link));
  }
  for (const { file, target, path, anchor } of anchored) {
    const there = rendered.get(path)!.sections.some(({ heading }) => heading.anchor === anchor);
    if (!there) throw new Error(`${file}: there is no heading for ${target}`);
  }

  const navigation: NavigationGroup[] = groups.map(({ title, files: own }) => ({
    title,
    pages: own.map((file) => ({ title: rendered.get(sitePath(file))!.title, path: sitePath(file) })),
  }));
  const site = new Map<string, string>();
  for (const [path, { title, html, sections }] of rendered) {
    site.set(path, pageHtml({ path, title, html, headings: sections.map(({ heading }) => heading) }, navigation));
  }
  for (const file of sources) {
    const path = sourcePath(file);
    const html = `<h1>${escapeHtml(file)}</h1>\n${sourceHtml(join(root, file))}`;
    site.set(path, pageHtml({ path, title: file, html, headings: [] }, navigation));
  }
  site.set("search-index.js", searchIndex(rendered));
  for (const [name, from] of [
    ["site.css", "site.css"],
    ["client.js", "client.mjs"],
  ] as const) {
    site.set(name, readFileSync(join(root, "scripts/site", from), "utf8"));
  }
  return site;
}

/** The contents, and at their end what else there is in docs/. */
function allGroups(root: string): readonly ContentsGroup[] {
  const known = new Set(contents.flatMap(({ files }) => files));
  const more = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .map((name) => `docs/${name.replaceAll("\\", "/")}`)
    .filter((file) => file.endsWith(".md") && !known.has(file))
    .sort();
  return more.length === 0 ? contents : [...contents, { title: "More", files: more }];
}

/** `docs/guide/serve.md` is at `guide/serve.html`, a folder's README at the folder's name. */
function sitePath(file: string): string {
  if (file === "README.md") return "index.html";
  return file
    .replace(/^docs\//, "")
    .replace(/\/README\.md$/, ".md")
    .replace(/\.md$/, ".html")
    .toLowerCase();
}

function sourcePath(file: string): string {
  return `source/${file}.html`;
}

function sourceHtml(path: string): string {
  const state = statSync(path);
  if (state.isDirectory()) {
    const names = readdirSync(path, { withFileTypes: true }).map(
      (entry) => entry.name + (entry.isDirectory() ? "/" : ""),
    );
    return `<ul>${names.map((name) => `<li><code>${escapeHtml(name)}</code></li>`).join("")}</ul>\n`;
  }
  if (state.size > MAX_SOURCE_BYTES) return `<p>${state.size} bytes, in the clone.</p>\n`;
  return `<div class="code"><pre tabindex="0"><code>${escapeHtml(readFileSync(path, "utf8"))}</code></pre></div>\n`;
}

/** A script, not JSON, so that it also loads from a folder on disk. */
function searchIndex(rendered: ReadonlyMap<string, RenderedMarkdown>): string {
  const rows = [...rendered].flatMap(([path, { title, sections }]) =>
    sections.map(({ heading, words }, i) => ({
      url: i === 0 ? path : `${path}#${heading.anchor}`,
      page: title,
      heading: heading.text,
      words: words.replace(/\s+/g, " ").trim(),
    })),
  );
  return `globalThis.searchIndex = ${JSON.stringify(rows)};\n`;
}
