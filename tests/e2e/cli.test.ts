/** Every command as a user runs it, on a tiny model: exit codes, what is printed, and the JSON that others rely on. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { packageRoot, packageVersion } from "../../src/base/package-root.ts";
import { fettle, fettleJson } from "../helpers/cli.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-cli-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const agNews = join(packageRoot, "examples/ag-news");
const testRows = join(agNews, "test.jsonl");
const model = join(scratch, "small");
const run = join(scratch, "run");
const recipe = join(scratch, "recipe.yaml");
const labels = ["Business", "Sci/Tech", "Sports", "World"];

let trained: Record<string, unknown>;
before(async () => {
  writeSmallModel(model);
  writeFileSync(
    recipe,
    `base: small
data: {train: ${join(agNews, "train.jsonl")}, validation: {fraction: 0.2}, limit: 80}
training: {batch_size: 8, learning_rate: 1e-2}
evaluation: {eval_steps: 4}
`,
  );
  trained = await fettleJson(["train", recipe, "--output", run], 0);
});

function weightsHash(): string {
  return createHash("sha256")
    .update(readFileSync(join(run, "adapter/adapter_model.safetensors")))
    .digest("hex");
}

describe("fettle", () => {
  test("--version and --help", async () => {
    assert.deepEqual(await fettle(["--version"]), { code: 0, stdout: `${packageVersion}\n`, stderr: "" });
    const { code, stdout } = await fettle(["--help"]);
    assert.equal(code, 0);
    const names = ["quickstart", "train", "eval", "predict", "generate", "inspect", "report", "doctor", "bench"];
    for (const name of names) assert.match(stdout, new RegExp(`^  ${name} `, "m"));
  });

  test("a command's --help lists its options and examples", async () => {
    const { code, stdout, stderr } = await fettle(["eval", "--help"]);
    assert.equal(code, 0);
    assert.match(stdout, /--min-accuracy/);
    assert.match(stdout, /Examples:/);
    assert.equal(stderr, "");
  });

  test("mistyped commands and options name what is near", async () => {
    const command = await fettle(["trian"]);
    assert.equal(command.code, 2);
    assert.match(command.stderr, /did you mean "train"/);
    const { error } = await fettleJson(["eval", model, "--dat", testRows], 2);
    assert.match((error as { fix: string }).fix, /--data/);
  });
});

describe("train", () => {
  test("tells what it made", () => {
    assert.equal(trained.status, "finished");
    assert.equal(trained.steps, 8);
    assert.equal(trained.folder, run);
    assert.equal(trained.sha256, weightsHash());
  });

  test("--dry-run writes nothing, and says each choice with its reason", async () => {
    const output = join(scratch, "planned");
    const { code, stdout, stderr } = await fettle(["train", recipe, "--dry-run", "--output", output]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /64 examples, 8 steps/);
    assert.match(stderr, /^device: \w+ \(auto: /m);
    assert.equal(readdirSync(scratch).includes("planned"), false);
  });

  test("a run folder is not trained over, and --resume of a finished run changes nothing", async () => {
    const { error } = await fettleJson(["train", recipe, "--output", run], 2);
    assert.equal((error as { code: string }).code, "run/exists");
    const resumed = await fettleJson(["train", recipe, "--output", run, "--resume"], 0);
    assert.equal(resumed.sha256, trained.sha256);
  });

  test("--set overrides the recipe", async () => {
    const words = ["train", recipe, "--dry-run", "--set", "training.batch_size=4", "--set", "data.limit=40"];
    assert.equal((await fettleJson(words, 0)).totalSteps, 8);
  });
});

describe("eval", () => {
  test("--json has what others rely on, and --compare scores the base", async () => {
    const result = await fettleJson(["eval", run, "--data", testRows, "--limit", "40", "--compare"], 0);
    assert.equal(result.rows, 40);
    const perClass = result.perClass as { label: string; support: number }[];
    assert.deepEqual(
      perClass.map(({ label }) => label),
      labels,
    );
    assert.equal(
      perClass.reduce((sum, { support }) => sum + support, 0),
      40,
    );
    for (const share of [result.accuracy, result.macroF1]) assert.ok((share as number) >= 0 && (share as number) <= 1);
    assert.equal((result.base as { rows: number }).rows, 40);
  });

  test("--predictions has a line for each row, from which its scores follow", async () => {
    const predictions = join(scratch, "predictions.jsonl");
    const words = [run, "--data", testRows, "--limit", "40"];
    const result = await fettleJson(["eval", ...words, "--predictions", predictions], 0);
    const lines = jsonLines(predictions);
    assert.equal(lines.length, 40);
    for (const line of lines) checkLine(line);
    assert.equal(lines.filter(({ label, target }) => label === target).length / 40, result.accuracy);
    const predicted = await fettleJson(["predict", ...words], 0);
    assert.deepEqual(
      lines.map(({ target, text, ...line }) => line),
      predicted.predictions,
    );
    const refused = await fettleJson(["eval", run, "--data", predictions, "--predictions", predictions], 2);
    assert.equal((refused.error as { code: string }).code, "cli/overwrites-input");
    assert.equal(jsonLines(predictions).length, 40);
  });

  test("a missed gate is exit code 1, a kept one 0", async () => {
    const words = ["eval", run, "--data", testRows, "--limit", "20"];
    const missed = await fettleJson([...words, "--min-accuracy", "1"], 1);
    assert.equal((missed.missed as string[]).length, 1);
    await fettleJson([...words, "--min-accuracy", "0", "--require", "log_loss=1000", "--require", "mcc=-1"], 0);
    const other = await fettleJson([...words, "--require", "log_loss=0", "--require", "macro_f1=1.1"], 1);
    assert.match(
      (other.missed as string[]).join(),
      /^log_loss .* is above the 0 asked for,macro_f1 .* is below the 1.1/,
    );
    const unknown = await fettleJson([...words, "--require", "macrof1=1"], 2);
    assert.match((unknown.error as { fix: string }).fix, /macro_f1/);
  });

  test("a model that was not tuned takes its labels from the data", async () => {
    const { code, stdout } = await fettle(["eval", model, "--data", testRows, "--limit", "60"]);
    assert.equal(code, 0);
    for (const label of labels) assert.match(stdout, new RegExp(`^${label} `, "m"));
  });

  test("the reference device answers as the CPU device does", async () => {
    const words = ["eval", run, "--data", testRows, "--limit", "10", "--precision", "f32"];
    const [cpu, reference] = await Promise.all([
      fettleJson(words, 0),
      fettleJson([...words, "--device", "reference"], 0),
    ]);
    assert.ok(Math.abs((cpu.logLoss as number) - (reference.logLoss as number)) < 1e-3);
    assert.deepEqual(cpu.confusion, reference.confusion);
  });
});

interface Line {
  readonly row: number;
  readonly label: string;
  readonly probability: number;
  readonly probabilities: Readonly<Record<string, number>>;
  readonly target?: string;
  readonly text?: string;
}

function jsonLines(path: string): Line[] {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Line);
}

function checkLine(line: Line): void {
  assert.deepEqual(Object.keys(line.probabilities), labels);
  const sum = Object.values(line.probabilities).reduce((total, value) => total + value, 0);
  assert.ok(Math.abs(sum - 1) < 1e-6);
  assert.equal(line.probabilities[line.label], line.probability);
  assert.equal(line.probability, Math.max(...Object.values(line.probabilities)));
}

describe("predict", () => {
  test("texts, a file and standard input give the same labels", async () => {
    const texts = ["Stocks fell on Monday", "The home team won again"];
    const data = join(scratch, "new.jsonl");
    writeFileSync(data, texts.map((text) => `${JSON.stringify({ text })}\n`).join(""));
    const output = join(scratch, "labels.jsonl");
    const [given, fromFile, fromStdin] = await Promise.all([
      fettle(["predict", run, "--text", texts[0]!, "--text", texts[1]!]),
      fettleJson(["predict", run, "--data", data, "--output", output], 0),
      fettleJson(["predict", run, "-"], 0, { input: `${texts.join("\n")}\n` }),
    ]);
    assert.equal(given.code, 0, given.stderr);
    const lines = given.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
    assert.deepEqual(
      lines.map(({ row }) => row),
      [1, 2],
    );
    for (const line of lines) checkLine(line);
    const probabilities = lines.map((line) => line.probabilities);
    assert.equal(fromFile.rows, 2);
    const written = readFileSync(output, "utf8").trimEnd().split("\n");
    assert.deepEqual(
      written.map((line) => (JSON.parse(line) as Line).probabilities),
      probabilities,
    );
    assert.deepEqual(
      (fromStdin.predictions as Line[]).map((line) => line.probabilities),
      probabilities,
    );
  });

  test("a reader that leaves early is no failure", async () => {
    const { spawnSync } = await import("node:child_process");
    const main = join(packageRoot, "dist/src/app/cli/main.js");
    const line = `'${process.execPath}' '${main}' predict '${run}' --data '${testRows}' --limit 40 | head -n 1`;
    const { stdout, stderr } = spawnSync("bash", ["-c", `set -o pipefail; ${line}; echo "exit $?"`], {
      encoding: "utf8",
    });
    assert.match(stdout, /^\{.*\}\nexit 0\n$/, stderr);
  });
});

describe("generate", () => {
  const words = (...more: string[]): string[] => [
    "generate",
    run,
    "--prompt",
    "Hello",
    "--max-new-tokens",
    "12",
    ...more,
  ];

  test("is repeatable: greedy, and drawn with a seed", async () => {
    const [first, again, drawn, drawnAgain] = await Promise.all([
      fettleJson(words(), 0),
      fettleJson(words(), 0),
      fettleJson(words("--temperature", "1", "--seed", "5"), 0),
      fettleJson(words("--temperature", "1", "--seed", "5"), 0),
    ]);
    assert.equal(first.text, again.text);
    assert.equal(drawn.text, drawnAgain.text);
    assert.ok((first.tokens as number) <= 12);
  });
});

describe("inspect", () => {
  test("a run, with the hash of its weights", async () => {
    const result = await fettleJson(["inspect", run], 0);
    assert.equal(result.kind, "run");
    assert.equal(result.status, "finished");
    assert.equal(result.sha256, weightsHash());
    assert.equal(result.weightsSha256, weightsHash());
    assert.deepEqual(result.problems, []);
    assert.equal(typeof result.lastValidationLoss, "number");
  });

  test("a data file: rows, fields, labels", async () => {
    const result = await fettleJson(["inspect", join(agNews, "train.jsonl")], 0);
    assert.equal(result.kind, "data");
    assert.equal(result.rows, 2000);
    assert.equal(result.skipped, 0);
    assert.deepEqual(result.problems, []);
    assert.deepEqual(result.fields, { text: 2000, label: 2000 });
    assert.deepEqual(result.labels, Object.fromEntries(labels.map((label) => [label, 500])));
  });

  test("a CSV file without header, by its columns' positions", async () => {
    const path = join(scratch, "plain.csv");
    writeFileSync(path, '"3","A title","A text"\n"1","Another","text, with a comma"\n');
    const result = await fettleJson(["inspect", path, "--column", "label=0", "--column", "text=2"], 0);
    assert.equal(result.rows, 2);
    assert.deepEqual(result.labels, { "1": 1, "3": 1 });
  });

  test("model, adapter, safetensors file and recipe", async () => {
    const [ofModel, ofAdapter, ofFile, ofRecipe] = await Promise.all([
      fettleJson(["inspect", model], 0),
      fettleJson(["inspect", join(run, "adapter")], 0),
      fettleJson(["inspect", join(model, "model.safetensors")], 0),
      fettleJson(["inspect", recipe], 0),
    ]);
    assert.equal(ofModel.kind, "model");
    assert.equal(ofModel.family, "qwen3");
    assert.equal(ofFile.kind, "safetensors");
    assert.equal(ofModel.parameters, ofFile.elements);
    assert.equal(ofAdapter.kind, "adapter");
    assert.equal(ofAdapter.parameters, trained.trainableParameters);
    assert.equal(ofRecipe.kind, "recipe");
    assert.equal(ofRecipe.base, model);
  });
});

test("report: a page that needs nothing else", async () => {
  const { report } = await fettleJson(["report", run, "--title", "A <small> run"], 0);
  const page = readFileSync(report as string, "utf8");
  assert.match(page, /<title>A &lt;small&gt; run<\/title>/);
  assert.ok(page.includes(weightsHash()));
  assert.doesNotMatch(page, /<script|src="http/);
});

test("doctor: looks at everything, and a compiler that does not run is a problem", async () => {
  const { checks } = await fettleJson(["doctor"], 0);
  const names = (checks as { name: string }[]).map(({ name }) => name);
  for (const name of [
    "Node.js",
    "processor",
    "memory",
    "disk",
    "compiler",
    "device cpu",
    "device reference",
    "cache",
  ]) {
    assert.ok(names.includes(name), name);
  }
  const broken = await fettleJson(["doctor"], 1, { env: { CC: join(scratch, "no-such-compiler") } });
  assert.equal(broken.ok, false);
});

test("quickstart: scores, trains, scores, writes the page; and replaces what it wrote before", async () => {
  const output = join(scratch, "quickstart");
  const words = ["quickstart", "--output", output, "--set", `base=${model}`, "--set", "training.max_steps=4"];
  const { base, tuned, seconds, report, sha256 } = await fettleJson(words, 0);
  for (const side of [base, tuned] as { accuracy: number; rows: number }[]) {
    assert.equal(side.rows, 500);
    assert.ok(side.accuracy >= 0 && side.accuracy <= 1);
  }
  assert.ok((seconds as number) > 0);
  const page = readFileSync(report as string, "utf8");
  for (const label of labels) assert.ok(page.includes(label));
  assert.equal((await fettleJson(words, 0)).sha256, sha256);
});
