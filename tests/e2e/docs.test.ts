/** What the documentation shows is true of the code: generated pages, recipes, command lines and links. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, it } from "node:test";
import { Command } from "commander";
import { apiReferenceText } from "../../scripts/docs/api-reference.ts";
import { cliReferenceText } from "../../scripts/docs/cli-reference.ts";
import { recipeReferenceText } from "../../scripts/docs/recipe-reference.ts";
import { commands } from "../../src/app/cli/commands.ts";
import { allCommands } from "../../src/app/cli/entry.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import { parseRecipe } from "../../src/base/recipe/load.ts";

const pages = [
  ...["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map((name) => join(packageRoot, name)),
  ...readdirSync(join(packageRoot, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(packageRoot, "docs", name)),
].map((path) => ({ path, name: relative(packageRoot, path), text: readFileSync(path, "utf8") }));

const recipes = readdirSync(join(packageRoot, "recipes"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => ({ name: `recipes/${name}`, text: readFileSync(join(packageRoot, "recipes", name), "utf8") }));

/** Contents of the fenced blocks of one language. */
function blocks(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map((match) => match[1]!);
}

/** The words after `fettle` of every command line in a text. */
function commandLines(text: string): string[][] {
  return [...text.matchAll(/^[# ]*(?:.*(?:\| |&& ))?(?:npx )?fettle (\w.*?)(?: +#.*)?$/gm)].map(
    (match) => match[1]!.match(/"[^"]*"|'[^']*'|[^\s|>]+|[|>]/g) ?? [],
  );
}

/** @throws CommanderError for an option that there is none of, a missing value, a missing argument */
async function parse(words: readonly string[]): Promise<void> {
  const named = allCommands(commands).findLast(({ path }) => path.every((word, i) => word === words[i]));
  assert.ok(named, `there is no command ${words[0]}`);
  const { path, entry } = named;
  assert.ok("load" in entry, `${path.join(" ")} alone is no command`);
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  (await entry.load()).define(command);
  command.option("--json").action(() => {});
  command.parse(words.slice(path.length), { from: "user" });
}

describe("pages written by code are up to date (npm run docs)", () => {
  it("docs/recipe.md", () =>
    assert.equal(readFileSync(join(packageRoot, "docs/recipe.md"), "utf8"), recipeReferenceText()));
  it("docs/api.md", () => assert.equal(readFileSync(join(packageRoot, "docs/api.md"), "utf8"), apiReferenceText()));
  it("docs/cli.md", () => assert.equal(readFileSync(join(packageRoot, "docs/cli.md"), "utf8"), cliReferenceText()));
});

describe("every recipe shown is one", () => {
  for (const { name, text, path } of pages) {
    for (const [i, block] of blocks(text, "yaml").entries()) {
      it(`${name}, block ${i + 1}`, () => void parseRecipe(block, path));
    }
  }
});

describe("every command line shown has a command and options that there are", () => {
  const shown = [
    ...pages.map(({ name, text }) => ({ name, text: blocks(text, "sh").join("\n") })),
    ...recipes.map(({ name, text }) => ({ name, text: text.match(/^#.*$/gm)?.join("\n") ?? "" })),
  ];
  for (const { name, text } of shown) {
    for (const words of commandLines(text)) {
      it(`${name}: fettle ${words.join(" ")}`, async () => {
        const end = words.findIndex((word) => word === "|" || word === ">");
        await parse(end < 0 ? words : words.slice(0, end));
      });
    }
  }
});

describe("every link inside the project leads somewhere", () => {
  for (const { name, path, text } of pages) {
    it(name, () => {
      for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)) {
        assert.ok(existsSync(resolve(dirname(path), target!)), `${target} is not there`);
      }
    });
  }
});
