import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { readGguf } from "../../../tests/helpers/read-gguf.ts";
import { writeSmallModel } from "../../../tests/helpers/small-model.ts";
import { fixtureTemplate } from "../../../tests/helpers/text-fixtures.ts";
import { UserErrors } from "../../base/errors.ts";
import { packageRoot } from "../../base/package-root.ts";
import { readConfigJson } from "../../model/files/config.ts";
import { openWeights } from "../../model/files/weights.ts";
import { exportModel } from "../api/export.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-export-"));
after(() => rmSync(scratch, { recursive: true }));
const model = join(scratch, "small");
writeSmallModel(model);
const qwen2 = join(packageRoot, "tests/fixtures/parity/qwen2");
const device = "reference";

/** The qwen2 fixture's adapter with keys of its config changed. */
function adapterWith(name: string, changes: object): string {
  const folder = join(scratch, name);
  cpSync(join(qwen2, "adapter"), folder, { recursive: true });
  const path = join(folder, "adapter_config.json");
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...changes }));
  return folder;
}

test("safetensors: a model without adapter comes out as it was, to the byte", async () => {
  const output = join(scratch, "same");
  const { files } = await exportModel(model, { format: "safetensors", output, device });
  using before = openWeights(model);
  using after = openWeights(output);
  assert.deepEqual(after.names().sort(), before.names().sort());
  for (const name of before.names()) assert.deepEqual(after.read(name), before.read(name), name);
  assert.deepEqual(Object.keys(files).sort(), [
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);
});

test("safetensors: another dtype is that of every tensor and of config.json", async () => {
  const output = join(scratch, "bf16");
  await exportModel(model, { format: "safetensors", dtype: "bf16", output, device });
  using weights = openWeights(output);
  for (const name of weights.names()) assert.equal(weights.info(name).dtype, "BF16");
  assert.equal(readConfigJson(output).string("dtype"), "bfloat16");
});

test("safetensors: an adapter changes the layers it is on, and no others", async () => {
  const output = join(scratch, "merged");
  const base = join(qwen2, "model");
  await exportModel(join(qwen2, "adapter"), { format: "safetensors", output, base, device });
  using before = openWeights(base);
  using after = openWeights(output);
  for (const name of before.names()) {
    const isSame = Buffer.compare(before.read(name), after.read(name)) === 0;
    assert.equal(isSame, !/(proj|c_fc)\.weight$/.test(name), name);
  }
});

test("gguf: the file and a Modelfile that goes with it", async () => {
  const output = join(scratch, "gguf");
  const { files, usage } = await exportModel(model, { format: "gguf", dtype: "q8_0", output, device });
  assert.deepEqual(Object.keys(files).sort(), ["Modelfile", "small-q8_0.gguf"]);
  assert.match(usage, /^ollama create small -f /);
  assert.equal(readGguf(join(output, "small-q8_0.gguf")).metadata.get("general.name"), "small");
  const modelfile = readFileSync(join(output, "Modelfile"), "utf8");
  assert.match(modelfile, /^FROM \.\/small-q8_0\.gguf\nTEMPLATE """\{\{- range \.Messages \}\}<\|im_start\|>/);
  assert.match(modelfile, /^PARAMETER stop "<\|im_end\|>"$/m);
});

test("gguf: a template that is not known is told, and Ollama is left to its own", async () => {
  const folder = join(scratch, "odd-template");
  cpSync(model, folder, { recursive: true });
  writeFileSync(
    join(folder, "chat_template.jinja"),
    "{% for m in messages %}[{{ m.role }}: {{ m.content }}]{% endfor %}",
  );
  const output = join(scratch, "odd-gguf");
  const { notes } = await exportModel(folder, { format: "gguf", output, device });
  assert.match(notes.join(), /none that is known in Ollama's language/);
  assert.doesNotMatch(readFileSync(join(output, "Modelfile"), "utf8"), /TEMPLATE/);
});

test("gguf: the system message that a template puts in by itself becomes Ollama's", async () => {
  const folder = join(scratch, "qwen-template");
  cpSync(model, folder, { recursive: true });
  writeFileSync(join(folder, "chat_template.jinja"), fixtureTemplate("qwen2.5", {}).source);
  const output = join(scratch, "qwen-gguf");
  await exportModel(folder, { format: "gguf", output, device });
  assert.match(readFileSync(join(output, "Modelfile"), "utf8"), /^SYSTEM """You are Qwen/m);
});

describe("vllm", () => {
  const base = join(qwen2, "model");

  test("an adapter that it takes is copied as it is, with what the server is to be told", async () => {
    const output = join(scratch, "vllm");
    const { files, usage } = await exportModel(join(qwen2, "adapter"), { format: "vllm", output, base });
    assert.deepEqual(Object.keys(files).sort(), ["adapter_config.json", "adapter_model.safetensors"]);
    assert.match(usage, /--enable-lora --max-lora-rank 8 /);
  });

  test("everything that it refuses is told at once", async () => {
    const folder = adapterWith("refused", { use_dora: true, bias: "all", modules_to_save: ["lm_head"], r: 1000 });
    await assert.rejects(exportModel(folder, { format: "vllm", output: join(scratch, "no"), base }), (error) => {
      assert.ok(error instanceof UserErrors);
      assert.deepEqual(
        error.errors.map(({ where }) => where),
        ["use_dora", "bias", "modules_to_save", "r"],
      );
      return true;
    });
    assert.ok(!existsSync(join(scratch, "no")));
  });

  test("a family without adapters, and layers that have none", async () => {
    const starcoder2 = join(packageRoot, "tests/fixtures/parity/starcoder2");
    const attempt = (adapter: string, of: string): Promise<unknown> =>
      exportModel(adapter, { format: "vllm", output: join(scratch, "none"), base: of });
    await assert.rejects(attempt(join(starcoder2, "adapter"), join(starcoder2, "model")), (error) => {
      assert.match((error as UserErrors).describe(), /no adapters for models of type "starcoder2"/);
      return true;
    });
    await assert.rejects(attempt(join(starcoder2, "adapter"), base), (error) => {
      assert.match((error as UserErrors).describe(), /and none on c_fc, c_proj|and none on c_proj, c_fc/);
      return true;
    });
  });

  test("a whole model needs none of it", async () => {
    await assert.rejects(exportModel(model, { format: "vllm", output: join(scratch, "whole") }), /there is no adapter/);
  });
});

describe("bad input", () => {
  test("a folder that is there is left alone", async () => {
    const output = join(scratch, "occupied");
    mkdirSync(output);
    writeFileSync(join(output, "mine.txt"), "mine");
    await assert.rejects(
      exportModel(model, { format: "gguf", output, device }),
      /there is something at this path already/,
    );
    assert.deepEqual(readdirSync(output), ["mine.txt"]);
  });

  test("formats of GGUF are none of safetensors", async () => {
    const output = join(scratch, "q8");
    await assert.rejects(
      exportModel(model, { format: "safetensors", dtype: "q8_0", output, device }),
      /q8_0 is a format of GGUF/,
    );
  });

  test("no tokenizer, no GGUF; nothing is left behind", async () => {
    const output = join(scratch, "untold");
    const attempt = exportModel(join(qwen2, "model"), { format: "gguf", output, device });
    await assert.rejects(attempt, /there is no tokenizer\.json/);
    assert.ok(!existsSync(output));
    assert.deepEqual(
      readdirSync(scratch).filter((name) => name.startsWith(".writing")),
      [],
    );
  });

  test("weights that config.json has no place for", async () => {
    const folder = join(scratch, "untied");
    cpSync(model, folder, { recursive: true });
    writeFileSync(
      join(folder, "config.json"),
      JSON.stringify({ ...readConfigJson(folder).json, num_hidden_layers: 1 }),
    );
    const attempt = exportModel(folder, { format: "safetensors", output: join(scratch, "never"), device });
    await assert.rejects(attempt, /has no place for/);
  });
});
