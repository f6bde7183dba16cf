import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { type UserError, UserErrors } from "../errors.ts";
import { packageRoot } from "../package-root.ts";
import { type LoadSweepOptions, loadSweep } from "./load-sweep.ts";
import type { Sweep } from "./sweep.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-load-sweep-"));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(
  join(folder, "r.yaml"),
  "base: model\nmethod: lora\nlora: {r: 4}\ndata: {train: rows.jsonl}\ntemplate: {max_length: 64}\n",
);

function load(text: string, options: LoadSweepOptions = {}): Sweep {
  const path = join(folder, "s.sweep.yaml");
  writeFileSync(path, text);
  return loadSweep(path, options);
}

/** `message · line:column` of every mistake. */
function mistakes(text: string, options?: LoadSweepOptions): string[] {
  try {
    load(text, options);
  } catch (error) {
    const errors: readonly UserError[] = error instanceof UserErrors ? error.errors : [error as UserError];
    return errors.map(({ message, where }) => `${message} · ${where?.replace(/^.*\.yaml:/, "")}`);
  }
  return [];
}

const names = ({ combinations }: Sweep): string[] => combinations.map(({ name }) => name);

describe("a grid", () => {
  it("is every combination, the last axis changing fastest", () => {
    const sweep = load("recipe: r.yaml\ngrid: {lora.r: [4, 8], template.max_length: [32, 64, 128]}\n");
    assert.deepEqual(
      sweep.combinations.map(({ loaded: { recipe } }) => [recipe.lora!.r, recipe.template.max_length]),
      [
        [4, 32],
        [4, 64],
        [4, 128],
        [8, 32],
        [8, 64],
        [8, 128],
      ],
    );
    assert.deepEqual(names(sweep).slice(0, 2), ["r-4_max_length-32", "r-4_max_length-64"]);
    assert.equal(sweep.combinations[0]!.loaded.recipe.output, join(sweep.output, "r-4_max_length-32"));
  });

  it("has variants that set several options, or take a section away", () => {
    const sweep = load(
      "recipe: r.yaml\ngrid:\n  kind:\n    adapter: {lora.r: 8}\n    whole: {method: full, lora: null, training.learning_rate: 1e-5}\n",
    );
    const [adapter, whole] = sweep.combinations.map(({ loaded }) => loaded.recipe);
    assert.deepEqual(names(sweep), ["kind-adapter", "kind-whole"]);
    assert.equal(adapter!.lora!.r, 8);
    assert.deepEqual([whole!.method, whole!.lora, whole!.training.learning_rate], ["full", undefined, 1e-5]);
  });

  it("comes from the command line for a recipe, and beside a file's", () => {
    const recipe = loadSweep(join(folder, "r.yaml"), { grid: ["lora.r=4,8", "method=lora"] });
    assert.deepEqual(names(recipe), ["r-4_method-lora", "r-8_method-lora"]);
    const file = load("recipe: r.yaml\ngrid: {seed: [1, 2]}\n", { grid: ["lora.target_modules=[q_proj, v_proj]"] });
    assert.deepEqual(file.combinations[1]!.loaded.recipe.lora!.target_modules, ["q_proj", "v_proj"]);
    assert.equal(file.combinations[1]!.loaded.recipe.seed, 2);
  });

  it("leaves out and adds", () => {
    const sweep = load(`recipe: r.yaml
set: {training.batch_size: 2}
grid: {lora.r: [4, 8], seed: [1, 2]}
exclude: [{lora.r: 8, seed: 2}]
include: [{lora.r: 32, training.learning_rate: 1e-3}]
`);
    assert.deepEqual(names(sweep), ["r-4_seed-1", "r-4_seed-2", "r-8_seed-1", "r-32_learning_rate-0.001"]);
    const { recipe } = sweep.combinations[3]!.loaded;
    assert.deepEqual([recipe.lora!.r, recipe.training.learning_rate, recipe.training.batch_size], [32, 1e-3, 2]);
  });

  it("says of each option where it is from", () => {
    const [first] = load("recipe: r.yaml\ngrid: {lora.r: [4]}\n").combinations;
    assert.match(first!.loaded.origin(["lora", "r"])!, /s\.sweep\.yaml:2:8$/);
    assert.equal(first!.loaded.origin(["training", "batch_size"]), "default");
  });
});

describe("every sweep in recipes/", () => {
  const recipes = join(packageRoot, "recipes");
  const shipped = readdirSync(recipes, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".sweep.yaml"),
  );
  for (const name of shipped) it(name, () => assert.ok(loadSweep(join(recipes, name)).combinations.length > 1));
});

describe("names of folders", () => {
  it("do not depend on what else is in the grid, and are distinct", () => {
    const few = names(load("recipe: r.yaml\ngrid: {lora.r: [4]}\n"));
    const more = names(load("recipe: r.yaml\ngrid: {lora.r: [2, 4, 8]}\n"));
    assert.ok(more.includes(few[0]!));
    const odd = names(load('recipe: r.yaml\ngrid: {base: ["a/b", "a b", "a-b"]}\n'));
    assert.equal(new Set(odd).size, 3);
    for (const name of odd) assert.match(name, /^base-a-b(-[0-9a-f]{8})?$/);
  });
});

describe("mistakes", () => {
  it("of all combinations are told at once, each once, with its place", () => {
    const text = `recipe: r.yaml
grid:
  lora.rank: [4, 8]
  template.max_length: [64, long]
  method: [lora, full]
`;
    const found = mistakes(text);
    assert.equal(found.length, 3, found.join("\n"));
    assert.ok(found.some((line) => /^unknown option lora\.rank · 3:3$/.test(line)));
    assert.ok(found.some((line) => /^template\.max_length: expected .*got "long" \(in .*\) · 4:3$/.test(line)));
    assert.ok(
      found.some((line) => /^a lora section with method full.*\(in .*4 of 8\)\) · 3:7$/.test(line)),
      found.join("\n"),
    );
  });

  it("of the file itself", () => {
    assert.deepEqual(mistakes("recipe: r.yaml\ngird: {seed: [1]}\n"), ['a sweep has no "gird" · 2:1']);
    assert.match(mistakes("recipe: nowhere.yaml\ngrid: {seed: [1]}\n")[0]!, /there is no recipe .* · 1:1$/);
    assert.match(mistakes("recipe: r.yaml\ngrid: {seed: []}\n")[0]!, /grid\.seed: .* · 2:14/);
    assert.match(mistakes("recipe: r.yaml\n")[0]!, /nothing is to be varied/);
    assert.match(mistakes("recipe: r.yaml\ngrid: {seed: [1, 1]}\n")[0]!, /seed has the value 1 twice/);
    assert.deepEqual(mistakes("recipe: r.yaml\ngrid: {seed: [1]}\nexclude: [{sed: 1}, {seed: 1}]\n"), [
      "the grid has no sed · 3:12",
    ]);
    assert.match(
      mistakes("recipe: r.yaml\ngrid: {seed: [1]}\nexclude: [{seed: 3}]\n")[0]!,
      /the grid has no 3 of seed/,
    );
    assert.match(mistakes("recipe: r.yaml\n", { grid: ["seed"] })[0]!, /a --grid is an option/);
    assert.match(mistakes("recipe: r.yaml\n", { grid: ["seed=&a [1, *a]"] })[0]!, /a --grid is an option/);
    assert.match(mistakes("recipe: r.yaml\ngrid: {seed: [1]}\nexclude: [{seed: 1}]\n")[0]!, /leaves no run/);
    const many = `[${Array.from({ length: 40 }, (_, i) => i + 1).join(",")}]`;
    assert.match(mistakes(`recipe: r.yaml\ngrid: {seed: ${many}, lora.r: ${many}}\n`)[0]!, /at most 1000 runs.*1600/);
    const axes = `seed: ${many}, lora.r: ${many}, lora.lora_alpha: ${many}, training.batch_size: ${many}`;
    assert.match(mistakes(`recipe: r.yaml\ngrid: {${axes}}\n`)[0]!, /at most 100000 combinations.*2560000/);
  });
});
