/** The documentation as a site: nothing leads nowhere, and everything is found. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import { after, describe, it } from "node:test";
import { buildSite } from "../../scripts/site/build-site.ts";
import { contents } from "../../scripts/site/contents.ts";
import { anchorOf, renderMarkdown } from "../../scripts/site/markdown.ts";
import { packageRoot } from "../../src/base/package-root.ts";

const site = buildSite(packageRoot);
const pages = [...site].filter(([path]) => path.endsWith(".html"));

/** Where the links of a page lead: path in the site, and the anchor there. */
function linksOf(path: string, html: string): { to: string; anchor: string | undefined }[] {
  return [...html.matchAll(/<(?:a|link|script)\b[^>]* (?:href|src)="([^"]*)"/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [relative, anchor] = target.split("#");
      return { to: relative === "" ? path : posix.join(posix.dirname(path), relative!), anchor };
    });
}

const idsOf = (html: string): string[] => [...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id!);

describe("the site", () => {
  it("has no link and no anchor that leads nowhere", () => {
    for (const [path, html] of pages) {
      for (const { to, anchor } of linksOf(path, html)) {
        assert.ok(site.has(to), `${path} links to ${to}`);
        if (anchor !== undefined) assert.ok(idsOf(site.get(to)!).includes(anchor), `${path} links to ${to}#${anchor}`);
      }
    }
  });

  it("leads from its first page to all others", () => {
    const reached = new Set(["index.html"]);
    for (const path of reached) for (const { to } of linksOf(path, site.get(path)!)) reached.add(to);
    assert.deepEqual(
      [...site.keys()].filter((path) => !reached.has(path) && path !== "search-index.js"),
      [],
    );
  });

  it("gives an id once on a page, and every page one heading of the first rank", () => {
    for (const [path, html] of pages) {
      assert.equal(new Set(idsOf(html)).size, idsOf(html).length, path);
      assert.equal(html.match(/<h1[ >]/g)?.length, 1, path);
    }
  });

  it("is searched by an index of every heading", () => {
    const script = site.get("search-index.js")!;
    const rows = JSON.parse(script.slice("globalThis.searchIndex = ".length, -2)) as { url: string; words: string }[];
    const found = rows.filter(({ words }) => words.includes("is taken by another program"));
    assert.ok(found.some(({ url }) => url === "troubleshooting.html#a-port-is-taken"));
    assert.ok(contents.flatMap(({ files }) => files).length <= new Set(rows.map(({ url }) => url.split("#")[0])).size);
  });

  it("shows a page that nobody listed, and refuses a dead link and a dead anchor", () => {
    const root = mkdtempSync(join(tmpdir(), "fettle-site-"));
    after(() => rmSync(root, { recursive: true }));
    for (const { files } of contents) {
      for (const file of files) {
        mkdirSync(dirname(join(root, file)), { recursive: true });
        writeFileSync(join(root, file), `# ${file}\n`);
      }
    }
    cpSync(join(packageRoot, "scripts/site"), join(root, "scripts/site"), { recursive: true });
    writeFileSync(join(root, "docs/found.md"), "# Found\n\n[start](start.md#docsstartmd)\n");
    assert.match(buildSite(root).get("index.html")!, /<h2>More<\/h2>\n<ul>\n<li><a href="found.html">Found/);
    writeFileSync(join(root, "docs/found.md"), "# Found\n\n[no](none.md)\n");
    assert.throws(() => buildSite(root), /docs\/found\.md: none\.md is not there/);
    writeFileSync(join(root, "docs/found.md"), "# Found\n\n[no](start.md#none)\n");
    assert.throws(() => buildSite(root), /docs\/found\.md: there is no heading for start\.md#none/);
  });

  it("anchors headings as GitHub does, and shows what is not Markdown as text", () => {
    assert.equal(
      anchorOf("What `fettle scan` looks at: 1, 2 & more_words"),
      "what-fettle-scan-looks-at-1-2--more_words",
    );
    const { html, sections } = renderMarkdown("# A\n\n## B\n\n## B\n\n<script>alert(1)</script>\n", (to) => to);
    assert.deepEqual(
      sections.map(({ heading }) => heading.anchor),
      ["a", "b", "b-1"],
    );
    assert.ok(html.includes("&lt;script&gt;"));
  });
});
