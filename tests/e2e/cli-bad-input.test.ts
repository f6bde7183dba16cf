/** Bad input of every kind: a clear message that names the place, exit code 2, nothing left behind, in bounded time. */
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { packageRoot } from "../../src/base/package-root.ts";
import { fettle, fettleJson } from "../helpers/cli.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-bad-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const rows = readFileSync(join(packageRoot, "examples/ag-news/train.jsonl"), "utf8");
const model = join(scratch, "small");
writeSmallModel(model);

function file(name: string, content: string | Uint8Array): string {
  const path = join(scratch, name);
  writeFileSync(path, content);
  return path;
}

/** The model with one of its files replaced. */
function modelWith(name: string, fileName: string, content: string | Uint8Array): string {
  const folder = join(scratch, name);
  cpSync(model, folder, { recursive: true });
  writeFileSync(join(folder, fileName), content);
  return folder;
}

/** A safetensors file with this header and `bytes` bytes of data. */
function safetensors(header: object, bytes: number): Uint8Array {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(bytes)]);
}

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly where: string | null;
  readonly fix: string | null;
  readonly errors: readonly Failure[];
}

async function failure(words: readonly string[]): Promise<Failure> {
  const { error } = await fettleJson(words, 2);
  const { code, where } = error as Failure;
  assert.notEqual(code, "bug", JSON.stringify(error));
  assert.notEqual(where, undefined);
  return error as Failure;
}

/** Trains with some options of the recipe changed; checks that it fails and leaves no result. */
async function trainingFailure(name: string, recipeText: string): Promise<Failure> {
  const output = join(scratch, `run-${name}`);
  const error = await failure(["train", file(`${name}.yaml`, recipeText), "--output", output]);
  assert.equal(existsSync(join(output, "adapter")), false);
  return error;
}

const good = file("good.jsonl", rows.split("\n").slice(0, 40).join("\n"));

describe("data files", () => {
  test("truncated JSONL: the last row is counted, the others are used", async () => {
    const path = file("cut.jsonl", rows.slice(0, 2000));
    const inspected = await fettleJson(["inspect", path], 0);
    assert.equal(inspected.rows, rows.slice(0, 2000).split("\n").length - 1);
    assert.equal(inspected.skipped, 1);
    const { code, stderr } = await fettle(["eval", model, "--data", path]);
    assert.equal(code, 0);
    assert.match(stderr, /1 row skipped: .*cut\.jsonl:8/);
  });

  test("malformed CSV: the row with the open quote is counted", async () => {
    const path = file("open.csv", 'text,label\nfine,a\n"open,b\nfine too,a\nagain,b\n');
    const inspected = await fettleJson(["inspect", path], 0);
    assert.ok((inspected.skipped as number) >= 1);
    assert.match((inspected.problems as { reason: string }[])[0]!.reason, /quote/);
  });

  const refused: Readonly<Record<string, { content: string | Uint8Array; code: string }>> = {
    "an empty file": { content: "", code: "data/empty" },
    "blank lines only": { content: "\n\n  \n", code: "data/empty" },
    "binary data": { content: Uint8Array.of(0, 1, 2, 3, 0, 255), code: "data/binary" },
    "a gzip file that was cut off": { content: gzipSync(rows).subarray(0, 9000), code: "data/broken-stream" },
    "text of no known format": { content: "just a line\nand another\n", code: "data/unknown-format" },
  };
  for (const [index, [name, { content, code }]] of Object.entries(refused).entries()) {
    test(`${name} is refused`, async () => {
      const path = file(`refused-${index}`, content);
      for (const words of [
        ["inspect", path],
        ["eval", model, "--data", path, "--labels", "a,b"],
      ]) {
        const error = await failure(words);
        assert.equal(error.code, code);
        assert.match(error.where ?? "", new RegExp(`refused-${index}`));
      }
    });
  }

  test("labels that are not in the list are counted, and refused when nothing else is left", async () => {
    const path = file("labels.jsonl", '{"text": "one", "label": "Wrold"}\n{"text": "two", "label": "Spots"}\n');
    const error = await failure(["eval", model, "--data", path, "--labels", "World,Sports"]);
    assert.equal(error.code, "data/no-rows");
    assert.match(error.message, /2 rows skipped/);
    assert.match(error.fix ?? "", /World/);
  });

  test("fields that are no known shape are named", async () => {
    const error = await failure(["eval", model, "--data", file("shape.jsonl", '{"alpha": 1, "beta": 2}\n')]);
    assert.match(error.message, /alpha, beta/);
  });

  test("rows longer than the context are cut in the document and counted; a label is never cut", async () => {
    const long = JSON.stringify({ text: "word ".repeat(5000), label: "b" });
    const path = file("long.jsonl", `{"text": "short", "label": "a"}\n${long}\n`);
    const { code, stdout, stderr } = await fettle(["eval", model, "--data", path, "--json"]);
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout).rows, 2);
    assert.match(stderr, /1 row \w+: longer than 1024 tokens, cut/);
    const refused = await trainingFailure(
      "too-long",
      `base: small\ndata: {train: ${path}}\ntemplate: {too_long: refuse}\n`,
    );
    assert.equal(refused.code, "data/too-long");
    assert.match(refused.where ?? "", /long\.jsonl:2/);
  });
});

describe("models", () => {
  const hostile: Readonly<Record<string, Uint8Array>> = {
    "a header longer than the file": Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0, 0x7b),
    "a file of three bytes": Uint8Array.of(1, 2, 3),
    "overlapping tensors": safetensors(
      {
        a: { dtype: "F32", shape: [2], data_offsets: [0, 8] },
        b: { dtype: "F32", shape: [2], data_offsets: [4, 12] },
      },
      12,
    ),
    "offsets beyond the file": safetensors({ a: { dtype: "F32", shape: [2], data_offsets: [0, 8] } }, 4),
    "a shape of absurd size": safetensors({ a: { dtype: "F32", shape: [2 ** 40, 2 ** 40], data_offsets: [0, 8] } }, 8),
  };
  for (const [index, [name, content]] of Object.entries(hostile).entries()) {
    test(`safetensors with ${name}`, async () => {
      const folder = modelWith(`hostile-${index}`, "model.safetensors", content);
      for (const words of [
        ["inspect", folder],
        ["predict", folder, "--text", "x", "--labels", "a,b"],
      ]) {
        const error = await failure(words);
        assert.equal(error.code, "files/bad-safetensors");
        assert.match(error.where ?? "", /model\.safetensors/);
      }
    });
  }

  test("a truncated tokenizer.json", async () => {
    const text = readFileSync(join(model, "tokenizer.json"), "utf8");
    const folder = modelWith("tokenizer", "tokenizer.json", text.slice(0, text.length / 2));
    for (const words of [
      ["inspect", folder],
      ["generate", folder, "--prompt", "x"],
    ]) {
      assert.match((await failure(words)).where ?? "", /tokenizer\.json/);
    }
  });

  test("an unknown model_type names the known ones", async () => {
    const config = JSON.parse(readFileSync(join(model, "config.json"), "utf8"));
    const folder = modelWith("type", "config.json", JSON.stringify({ ...config, model_type: "qwen" }));
    for (const words of [
      ["inspect", folder],
      ["predict", folder, "--text", "x", "--labels", "a,b"],
    ]) {
      const error = await failure(words);
      assert.equal(error.code, "model/unknown-type");
      assert.match(error.fix ?? "", /qwen2/);
    }
  });

  test("folders that are nothing, and paths that are not there", async () => {
    const empty = join(scratch, "empty");
    mkdirSync(empty);
    assert.equal((await failure(["inspect", empty])).code, "inspect/unknown-folder");
    assert.equal((await failure(["eval", empty, "--data", good])).code, "artefact/unknown");
    await failure(["inspect", join(scratch, "nowhere")]);
    await failure(["eval", join(scratch, "nowhere"), "--data", good]);
    await failure(["eval", model, "--data", join(scratch, "nowhere.jsonl")]);
    await failure(["report", empty]);
  });
});

describe("recipes", () => {
  test("all mistakes at once, each with its line and what would be right", async () => {
    const error = await trainingFailure(
      "mistakes",
      `base: small
data: {train: ${good}}
lora: {rank: 8}
training:
  batch_size: many
  lr_sheduler_type: linear
`,
    );
    assert.equal(error.errors.length, 3);
    const [rank, size, schedule] = error.errors as [Failure, Failure, Failure];
    assert.match(rank.where ?? "", /mistakes\.yaml:3:/);
    assert.match(size.message, /batch_size/);
    assert.match(schedule.fix ?? "", /lr_scheduler_type/);
  });

  test("no such recipe, base or training file", async () => {
    assert.equal((await failure(["train", join(scratch, "none.yaml")])).where, join(scratch, "none.yaml"));
    const base = await trainingFailure("base", `base: nowhere\ndata: {train: ${good}}\n`);
    assert.match(base.where ?? "", /base\.yaml:1/);
    await trainingFailure("data", `base: small\ndata: {train: nowhere.jsonl}\n`);
  });

  test("layers that the model does not have", async () => {
    const text = `base: small\ndata: {train: ${good}}\nlora: {target_modules: [q_prj]}\n`;
    assert.match((await trainingFailure("targets", text)).message, /q_prj/);
  });
});

test("options out of their range", async () => {
  for (const words of [
    ["eval", model],
    ["eval", model, "--data", good, "--min-accuracy", "90"],
    ["eval", model, "--data", good, "--limit", "0"],
    ["eval", model, "--data", good, "--device", "gpu"],
    ["predict", model],
    ["predict", model, "--text", "a", "--data", good],
    ["generate", model, "--prompt", "x", "--temperature", "hot"],
    ["train"],
    ["inspect", model, "surplus"],
  ]) {
    const error = await failure(words);
    assert.ok(error.message.length > 0 && error.fix !== null, words.join(" "));
  }
});
