/** The taxonomy of Dockerfile risks is whole, and what the recipes learn. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { packageRoot } from "../../src/base/package-root.ts";
import { loadRecipe } from "../../src/base/recipe/load.ts";
import { loadTaxonomy } from "../../src/base/taxonomy/load-taxonomy.ts";
import { RuleClasses } from "../../src/base/taxonomy/rule-classes.ts";
import { SEVERITIES } from "../../src/base/taxonomy/taxonomy.ts";

/** How each tool writes the ids of its rules. */
const ids = {
  trivy: z.string().regex(/^DS-\d{4}$/),
  hadolint: z.string().regex(/^DL\d{4}$/),
  kics: z.string().regex(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/),
  terrascan: z.string().regex(/^AC_DOCKER_\d{4,5}$/),
};
const tools = Object.keys(ids) as (keyof typeof ids)[];
const text = z.string().min(3).max(200);
const check = z.strictObject({
  name: z.string().regex(/^[a-z][a-z-]+$/),
  title: text,
  trivy: z.array(ids.trivy).min(1).optional(),
  hadolint: z.array(ids.hadolint).min(1).optional(),
  kics: z.array(ids.kics).min(1).optional(),
  terrascan: z.array(ids.terrascan).min(1).optional(),
});
const taxonomySchema = z.strictObject({
  version: z.literal(1),
  sources: z.array(
    z.strictObject({ tool: z.enum(tools), repository: text, commit: text, copy: text.optional(), licence: text }),
  ),
  classes: z.array(
    z.strictObject({
      name: z.string().regex(/^[a-z][a-z-]+$/),
      title: text,
      description: text,
      why: text,
      fix: text,
      severity: z.enum(SEVERITIES),
      absence: z.literal(true).optional(),
      cwe: z.array(z.string().regex(/^CWE-\d+$/)),
      checks: z.array(check).min(1),
    }),
  ),
  left_out: z.strictObject({ reason: text, checks: z.array(check).min(1) }),
});

const folder = join(packageRoot, "recipes/dockerfile-risks");
const taxonomy = taxonomySchema.parse(parse(readFileSync(join(folder, "risks.taxonomy.yaml"), "utf8")));
const checks = [...taxonomy.classes.flatMap((one) => one.checks), ...taxonomy.left_out.checks];

describe("the taxonomy of Dockerfile risks", () => {
  it("has ten classes, by rules of all four tools", () => {
    assert.equal(taxonomy.classes.length, 10);
    assert.deepEqual(taxonomy.sources.map(({ tool }) => tool).sort(), [...tools].sort());
  });

  it("has every rule of the four catalogues once", () => {
    const counts = tools.map((tool) => {
      const rules = checks.flatMap((one) => one[tool] ?? []);
      assert.equal(new Set(rules).size, rules.length, tool);
      return [tool, rules.length];
    });
    // How many rules the catalogues have at these commits.
    assert.deepEqual(Object.fromEntries(counts), { trivy: 28, hadolint: 71, kics: 49, terrascan: 27 });
    assert.equal(new Set(checks.map(({ name }) => name)).size, checks.length);
  });

  it("loads, with each rule in the class that the file has it in", () => {
    const rules = new RuleClasses(loadTaxonomy(join(folder, "risks.taxonomy.yaml")));
    for (const { name, checks } of taxonomy.classes) {
      for (const one of checks) {
        for (const tool of tools) for (const id of one[tool] ?? []) assert.equal(rules.classOf(tool, id), name);
      }
    }
    assert.equal(rules.classOf("hadolint", "DL4000"), "left-out");
    assert.equal(rules.classOf("hadolint", "SC2086"), undefined);
    assert.equal(rules.classOf("trivy", "DL3002"), undefined);
  });

  it("is what the recipes learn and their rows are labelled with", () => {
    const names = taxonomy.classes.map(({ name }) => name);
    for (const file of ["recipe.yaml", "nano.yaml"]) {
      const { data, template } = loadRecipe(join(folder, file)).recipe;
      assert.deepEqual(data.labels, names);
      for (const name of names) assert.ok(template.system === null || template.system.includes(`${name}: `), name);
      const rows = readFileSync(data.train as string, "utf8")
        .trim()
        .split("\n");
      const labels = new Set(rows.flatMap((row) => (JSON.parse(row) as { labels: string[] }).labels));
      assert.deepEqual([...labels].sort(), [...names].sort());
    }
  });
});
