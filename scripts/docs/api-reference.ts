/** docs/api.md: what `import … from "fettle"` gives, from the declarations and docstrings that the compiler writes out. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { packageRoot } from "../../src/base/package-root.ts";

interface Declaration {
  readonly name: string;
  readonly kind: string;
  /** Lines of the docstring without its stars. */
  readonly doc: readonly string[];
  readonly code: string;
}

const groups = [
  { title: "Functions", kinds: ["function", "const"] },
  { title: "Classes", kinds: ["class"] },
  { title: "Types", kinds: ["interface", "type"] },
] as const;

export function apiReferenceText(): string {
  const declarations = exportsOf(join(packageRoot, "dist/src/index.d.ts"));
  const parts = [
    "# API",
    "<!-- Written by `npm run docs` from the docstrings of what src/index.ts exports. -->",
    'What `import { … } from "fettle"` gives. How it is used, with examples: [the library](guide/library.md).',
  ];
  for (const { title, kinds } of groups) {
    parts.push(`## ${title}`);
    const own = declarations.filter(({ kind }) => kinds.some((wanted) => wanted === kind));
    for (const { name, doc, code } of own.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      parts.push(`### ${name}`, ...(doc.length > 0 ? [proseOf(doc)] : []), `\`\`\`ts\n${code}\n\`\`\``);
    }
  }
  return `${parts.join("\n\n")}\n`;
}

/** The declarations of all names that a file passes on. */
function exportsOf(path: string): Declaration[] {
  const text = readFileSync(path, "utf8");
  return [...text.matchAll(/^export (?:type )?\{([^}]*)\} from "(.*)";$/gm)].flatMap(([, names, from]) =>
    names!.split(",").map((name) => declarationOf(name.replace("type ", "").trim(), declarationFile(path, from!))),
  );
}

function declarationFile(from: string, module: string): string {
  return join(dirname(from), module.replace(/\.[jt]s$/, ".d.ts"));
}

/** @throws Error when the file neither declares the name nor passes it on */
function declarationOf(name: string, path: string): Declaration {
  const lines = readFileSync(path, "utf8").split("\n");
  const begins = new RegExp(`^export (?:declare )?(?:abstract )?(function|class|interface|type|const) ${name}\\b`);
  const start = lines.findIndex((line) => begins.test(line));
  if (start < 0) {
    const passed = lines.find(
      (line) => line.startsWith("export") && new RegExp(`\\{.*\\b${name}\\b.*\\} from`).test(line),
    );
    const module = passed?.match(/from "(\..*)";$/)?.[1];
    if (module === undefined) throw new Error(`${path} does not declare ${name}`);
    return declarationOf(name, declarationFile(path, module));
  }
  const end = lines.findIndex((line, i) => i >= start && /^\S.*;$|^\}$/.test(line));
  const code = lines
    .slice(start, end + 1)
    .filter((line) => line.trim() !== "#private;")
    .map((line) => line.replace(/^(?: {4})+/, (indent) => " ".repeat(indent.length / 2)))
    .join("\n")
    .replace(/^export (?:declare )?/, "");
  return { name, kind: lines[start]!.match(begins)![1]!, doc: docAbove(lines, start), code };
}

function docAbove(lines: readonly string[], start: number): string[] {
  if (!lines[start - 1]?.endsWith("*/")) return [];
  let first = start - 1;
  while (!lines[first]!.startsWith("/**")) first--;
  return lines
    .slice(first, start)
    .map((line) =>
      line
        .replace(/^\/\*\* ?/, "")
        .replace(/ ?\*\/$/, "")
        .replace(/^ \* ?/, ""),
    )
    .filter((line, i, all) => line !== "" || (i > 0 && i < all.length - 1));
}

/** Markdown: what stands behind the tags becomes a list. */
function proseOf(doc: readonly string[]): string {
  const [before, ...tags] = doc.join("\n").split(/(?:^|\s)@(?=(?:param|returns|throws)\b)/);
  const items = tags.map((tag) => {
    const [, kind, rest] = tag.replace(/\s+/g, " ").match(/^(\w+) (.*)$/)!;
    if (kind !== "param") return `- ${kind} ${rest}`;
    const [, name, words] = rest!.match(/^(\S+) (.*)$/)!;
    return `- \`${name}\`: ${words}`;
  });
  return [before!.trim(), items.map((item) => item.trim()).join("\n")].filter((part) => part !== "").join("\n\n");
}
