import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { UserError, UserErrors } from "../errors.ts";
import { packageRoot } from "../package-root.ts";
import { loadRecipe, parseRecipe } from "./load.ts";

const folder = mkdtempSync(join(tmpdir(), "recipe-"));
after(() => rmSync(folder, { recursive: true }));

/** What a person is told about a recipe, one line per mistake. */
function complaints(text: string, set: readonly string[] = []): readonly string[] {
  try {
    parseRecipe(text, "r.yaml", { set });
    return [];
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    return error instanceof UserErrors ? error.errors.map((one) => one.describe()) : [error.describe()];
  }
}

const least = "base: m\ndata: {train: a.jsonl}\n";

describe("a good recipe", () => {
  it("is filled with defaults, and with the sections of its method only", () => {
    const { recipe } = parseRecipe(least, "r.yaml");
    assert.equal(recipe.method, "lora");
    assert.deepEqual(recipe.lora, {
      r: 16,
      lora_alpha: 32,
      lora_dropout: 0,
      target_modules: "all-linear",
      exclude_modules: null,
      use_rslora: false,
      use_dora: false,
      rank_pattern: {},
      alpha_pattern: {},
      layers_to_transform: null,
      layers_pattern: null,
      bias: "none",
    });
    assert.equal(recipe.quantization, undefined);
    assert.equal(recipe.training.learning_rate, 2e-4);
    assert.equal(recipe.evaluation.early_stopping, null);
    assert.equal(parseRecipe(`${least}method: full`, "r.yaml").recipe.lora, undefined);
    assert.equal(parseRecipe(`${least}method: qlora`, "r.yaml").recipe.quantization?.double_quant, true);
  });

  it("takes its input paths from its own folder and its output from the working directory", () => {
    mkdirSync(join(folder, "models/tiny"), { recursive: true });
    const path = join(folder, "news.yaml");
    writeFileSync(path, "base: models/tiny\ndata: {train: [a.csv, /b.csv], validation: {fraction: 0.1}}\n");
    const { recipe } = loadRecipe(path, { workingDirectory: "/elsewhere" });
    assert.equal(recipe.base, join(folder, "models/tiny"));
    assert.equal(recipe.output, "/elsewhere/runs/news");
    assert.deepEqual(recipe.data.train, [join(folder, "a.csv"), "/b.csv"]);
    assert.deepEqual(recipe.data.validation, { fraction: 0.1 });
  });

  it("keeps ORG/NAME when there is no such folder", () => {
    const text = "base: Qwen/Qwen2.5-7B\ndata: {train: a}";
    assert.equal(parseRecipe(text, join(folder, "r.yaml")).recipe.base, "Qwen/Qwen2.5-7B");
  });

  it("may have sections that are written and empty", () => {
    assert.equal(parseRecipe(`${least}training:\n`, "r.yaml").recipe.training.batch_size, 16);
  });

  it("may say the memory of the GPU in bytes or in units of them", () => {
    const budgets = ["auto", "1000000000", "20GiB", "1.5 GB", "512 MiB"];
    assert.deepEqual(
      budgets.map((budget) => parseRecipe(`${least}memory_budget: ${budget}`, "r.yaml").recipe.memory_budget),
      ["auto", 1e9, 20 * 2 ** 30, 1.5e9, 2 ** 29],
    );
  });

  it("may name labels by numbers of the file", () => {
    const text = "base: m\ndata:\n  train: a\n  labels: {1: World, 2: Sports}\n  columns: {label: 0, text: 2}";
    const { data } = parseRecipe(text, "r.yaml").recipe;
    assert.deepEqual(data.labels, { 1: "World", 2: "Sports" });
    assert.deepEqual(data.columns, { label: 0, text: 2 });
  });
});

describe("every recipe in recipes/", () => {
  const files = readdirSync(join(packageRoot, "recipes"), { recursive: true, encoding: "utf8" });
  const shipped = files.filter((name) => /^[^.]+\.yaml$/.test(name));
  for (const name of shipped) it(name, () => void loadRecipe(join(packageRoot, "recipes", name)));
});

describe("mistakes", () => {
  it("are reported all at once, in order of place", () => {
    const text = `base: m
metod: lora
data:
  train: a.jsonl
  formt: csv
training:
  learning_rate: fast
  batch_size: 0
  warmup_steps: 5
  warmup_ratio: 0.1
`;
    assert.deepEqual(
      complaints(text).map((line) => line.split(" · ").slice(0, 2)),
      [
        ["unknown option metod", "r.yaml:2:1"],
        ["unknown option data.formt", "r.yaml:5:3"],
        ['training.learning_rate: expected a number, got "fast"', "r.yaml:7:18"],
        ["training.batch_size: expected at least 1, got 0", "r.yaml:8:15"],
        ["warmup_steps and warmup_ratio are two ways to say the same", "r.yaml:10:17"],
      ],
    );
    assert.match(complaints(text)[0]!, /did you mean "method"\?/);
    assert.match(complaints(text)[1]!, /did you mean "format"\?/);
  });

  const values: readonly (readonly [string, RegExp])[] = [
    ["method: lara", /method: expected full or lora or qlora, got "lara" · r.yaml:3:9 · did you mean "lora"/],
    ["seed: 1.5", /seed: expected a whole number, got 1.5/],
    ["seed: .nan", /seed: expected a number, got/],
    ["threads: 0", /threads: expected at least 1, got 0/],
    ["memory_budget: 20GiBs", /memory_budget: expected auto, .* or a size such as 20GiB, got "20GiBs" · r.yaml:3:16/],
    ["memory_budget: -1", /memory_budget: expected at least 1, got -1/],
    ["lora: {r: 0}", /lora.r: expected at least 1/],
    ["lora: {lora_dropout: 1}", /lora.lora_dropout: expected less than 1/],
    ["lora: {rank_pattern: {q_proj: 0}}", /lora.rank_pattern.q_proj: expected at least 1/],
    ["lora: {bias: some}", /lora.bias: expected none or all or lora_only/],
    ["lora: {rank: 4}", /unknown option lora.rank · r.yaml:3:8/],
    ["lora: [1]", /lora: expected a map of options/],
    ["training: {adam_beta1: 1}", /adam_beta1: expected less than 1/],
    ["training: {adam_beta2: -0.1}", /adam_beta2: expected at least 0/],
    ["evaluation: {eval_steps: sometimes}", /eval_steps: expected a number of steps, epoch or null/],
    ["__proto__: {seed: 3}", /unknown option __proto__/],
    ["constructor: 1", /unknown option constructor/],
  ];
  for (const [text, expected] of values) {
    it(`in a value: ${text}`, () => assert.match(complaints(least + text).join("\n"), expected));
  }

  it("in a part of an option that has several forms", () => {
    assert.match(
      complaints("base: m\ndata: {train: a, validation: {fractoin: 0.1}}").join("\n"),
      /data.validation: expected a path, .* or {fraction: 0.1} .* got {"fractoin":0.1} · r.yaml:2:30/,
    );
    assert.match(complaints("base: m\ndata: {train: a, validation: {fraction: 2}}").join("\n"), /less than 1, got 2/);
    assert.match(complaints("base: m\ndata: {train: [a, 3]}").join("\n"), /data\.train/);
    assert.match(complaints("base: m\ndata: {train: a, labels: [x]}").join("\n"), /data\.labels/);
  });

  it("in what is not there", () => {
    assert.match(complaints("").join("\n"), /base is missing/);
    assert.match(complaints("base: m").join("\n"), /no training data · r.yaml · name a file in data.train/);
    assert.equal(parseRecipe("base: m", "r.yaml", { purpose: "evaluate" }).recipe.data.train, null);
  });
});

describe("impossible combinations", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["method: full\nlora: {r: 8}", /lora section with method full/],
    ["lora: {layers_pattern: h}", /layers_pattern without lora.layers_to_transform/],
    ["method: lora\nquantization: {}", /quantization section with method lora/],
    ["device: cpu\nmemory_budget: 1GiB", /memory_budget is about the GPU's memory, and device is cpu · r.yaml:4:16/],
    ["init: random", /adapter over random weights/],
    ["init: random\nmethod: full\nwarm_start: x", /warm_start gives weights/],
    ["template: {text: '{text}', user: x}", /stands alone/],
    ["template: {cut_field: text, too_long: skip}", /cuts nothing/],
    ["template: {cut_field: label}", /label is never cut/],
    ["training: {max_steps: 5, warmup_steps: 5}", /not below max_steps/],
    ["evaluation: {eval_steps: 5}", /needs a validation set/],
    ["evaluation: {early_stopping: {patience: 2}}", /early stopping goes by evaluations/],
    ["evaluation: {load_best_model_at_end: true}", /best checkpoint is found by evaluations/],
  ];
  for (const [text, expected] of cases) {
    it(text.replaceAll("\n", "; "), () => assert.match(complaints(least + text).join("\n"), expected));
  }

  it("of files", () => {
    assert.match(complaints("base: m\ndata: {train: [a.csv, b.csv], validation: b.csv}").join("\n"), /measure memory/);
    assert.match(complaints("base: m\ndata: {train: a.csv, test: [c.csv, a.csv]}").join("\n"), /also used in training/);
    assert.match(complaints("base: m\ndata: {train: a, format: jsonl, header: true}").join("\n"), /data.header/);
  });
});

describe("--set", () => {
  it("overrides, adds and reads YAML", () => {
    const set = [
      "training.learning_rate=1e-3",
      "data.labels=[a, b]",
      "seed=7",
      "seed=8",
      "lora.target_modules=[q_proj]",
    ];
    const { recipe, origin } = parseRecipe(least, "r.yaml", { set });
    assert.equal(recipe.training.learning_rate, 1e-3);
    assert.deepEqual(recipe.data.labels, ["a", "b"]);
    assert.equal(recipe.seed, 8);
    assert.deepEqual(recipe.lora?.target_modules, ["q_proj"]);
    assert.equal(origin(["seed"]), "--set seed=8");
    assert.equal(origin(["device"]), "default");
    assert.equal(origin(["base"]), undefined);
  });

  it("is named by the errors it causes", () => {
    assert.match(complaints(least, ["training.learning_rat=1"]).join(), /learning_rat · --set training.learning_rat=1/);
    assert.match(complaints(least, ["training.batch_size=x"]).join(), /--set training.batch_size=x/);
    assert.match(complaints(`${least}training:\n`, ["training.batch_size=-1"]).join(), /--set training.batch_size=-1/);
    assert.match(complaints(least, ["seed"]).join(), /an option, an equals sign and a value · --set seed/);
    assert.match(complaints(least, ["seed=[1"]).join(), /not valid YAML.*--set seed=\[1/);
    assert.match(complaints(least, ["base.x=1"]).join(), /base holds no options/);
    assert.match(complaints(least, ["__proto__.x=1"]).join(), /unknown option __proto__ · --set/);
    assert.equal(({} as { x?: unknown }).x, undefined);
  });
});

describe("hostile and broken YAML", () => {
  const bomb = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"];
  for (let i = 1; i < 10; i++) bomb.push(`a${i}: &a${i} [${new Array(9).fill(`*a${i - 1}`).join(",")}]`);
  const cases: readonly (readonly [name: string, text: string, RegExp])[] = [
    ["duplicate keys", "base: m\nbase: n\n", /Map keys must be unique · r.yaml:2:1/],
    ["tabs", "data:\n\ttrain: a\n", /Tabs are not allowed as indentation · r.yaml:2:1/],
    ["an open bracket", "base: [m\nseed: 1", /r.yaml:2/],
    ["a list", "- base: m", /a recipe is a map of options/],
    ["a word", "hello", /a recipe is a map of options/],
    ["two documents", "base: m\n---\nbase: n\n", /one YAML document; a second one starts here · r.yaml:2:1/],
    ["an unknown tag", "base: !!js/function x", /r.yaml:1:7/],
    ["aliases without bound", bomb.join("\n"), /aliases that cannot be followed.*Excessive alias count/],
    ["an alias of itself", "base: m\ntemplate: {chat_template_kwargs: &x {a: *x}}", /aliases that cannot be followed/],
    ["an alias of nothing", "base: *x", /Unresolved alias/],
    ["nesting without bound", `base: ${"[".repeat(30000)}`, /call stack/],
    ["a huge text", `base: "${"x".repeat(1e6)}"`, /at most 65536 characters/],
    ["thousands of unknown keys", Array.from({ length: 5000 }, (_, i) => `k${i}: 1`).join("\n"), /unknown option k0 /],
    ["binary", "\0\u0001\u0002", /r.yaml/],
  ];
  for (const [name, text, expected] of cases) {
    it(name, () => assert.match(complaints(text).join("\n"), expected));
  }

  it("files that cannot be read", () => {
    assert.throws(() => loadRecipe(join(folder, "none.yaml")), /no such recipe file/);
    assert.throws(() => loadRecipe(folder), /it is a folder/);
    const latin1 = join(folder, "latin1.yaml");
    writeFileSync(latin1, Buffer.from("base: caf\xe9", "latin1"));
    assert.throws(() => loadRecipe(latin1), /cannot be read/);
  });
});
