/**
 * Write fettle-small's pre-training corpus (`corpus.jsonl`, `validation.jsonl`) and its empty model (`model/`):
 *
 *     node dist/scripts/fettle-small/build-corpus.js DATA_FOLDER GO_MODULES OUTPUT_FOLDER
 *
 * DATA_FOLDER as fettle-nano's. GO_MODULES is Go's module cache after `go mod download` in the sources of trivy, kics and
 * terrascan: what cloud software is made of, with its Dockerfiles, shell scripts, manifests and documentation. The scanners
 * themselves are left out, since their tests are what models are judged by, and so are the files of data/dockerfile-risks.
 */
import { cpSync, createWriteStream, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { finished } from "node:stream/promises";
import { packageRoot } from "../../src/base/package-root.ts";
import { hashLabel, mix32, Random } from "../../src/base/random.ts";
import { readArticles, readContracts, readDockerfiles } from "../fettle-nano/documents.ts";

const SEED = 23;
/** A piece fits the recipe's 2,048 tokens nearly always; what does not is cut there. */
const PIECE_CHARACTERS = 5000;
const MINIMUM_CHARACTERS = 60;
const MAX_FILE_BYTES = 100_000;
/** One document in this many is held out for validation. */
const VALIDATION_PERIOD = 200;
/** Of each kind of file at most so much text; the kinds that matter most are not bounded. */
const KINDS: readonly { readonly name: string; readonly pattern: RegExp; readonly most: number }[] = [
  { name: "Dockerfile", pattern: /(^|[./_-])(docker|container)file/i, most: Number.POSITIVE_INFINITY },
  { name: "shell", pattern: /\.(sh|bash|ps1)$/i, most: Number.POSITIVE_INFINITY },
  { name: "make", pattern: /^makefile|\.mk$/i, most: Number.POSITIVE_INFINITY },
  { name: "settings", pattern: /\.(ya?ml|toml|service|conf|ini)$/i, most: 20e6 },
  { name: "prose", pattern: /\.(md|rst)$/i, most: 24e6 },
  { name: "go", pattern: /\.go$/i, most: 60e6 },
];
const LEFT_OUT = /(aquasecurity|!checkmarx|tenable|hadolint|open-policy-agent|bridgecrew)(\/|$)/;

/** Wide enough for Dockerfiles whole; a hundred million parameters are what minutes on a card can fill. */
const MODEL = {
  hidden_size: 768,
  intermediate_size: 2048,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  num_key_value_heads: 4,
  head_dim: 64,
  max_position_embeddings: 4096,
  max_window_layers: 12,
};

const [dataFolder, goModules, outputFolder] = process.argv.slice(2);
if (dataFolder === undefined || goModules === undefined || outputFolder === undefined) {
  throw new Error("usage: build-corpus.js DATA_FOLDER GO_MODULES OUTPUT_FOLDER");
}
mkdirSync(outputFolder, { recursive: true });
writeModel(join(outputFolder, "model"));

const seen = new Set<number>();
const training: string[] = [];
const validation: string[] = [];
const characters: Record<string, number> = {};
const judged = judgedTexts();

for (const { title, description } of readArticles(dataFolder)) add("news", title, `${title}\n${description}`);
for (const { group, text } of readContracts(dataFolder)) add("Solidity", group, text);
for (const { group, text } of readDockerfiles(dataFolder)) {
  if (!judged.has(keyOf(text))) add("Dockerfile", group, text);
}
for (const path of shuffled(filesBelow(goModules))) {
  const kind = KINDS.find(({ pattern }) => pattern.test(basename(path)));
  if (kind === undefined || (characters[kind.name] ?? 0) > kind.most) continue;
  const text = readFileSync(path).toString("utf8");
  if (text.includes("\0") || text.includes("\uFFFD") || judged.has(keyOf(text))) continue;
  add(kind.name, relative(goModules, path), text);
}
await write("corpus.jsonl", training);
await write("validation.jsonl", validation);
console.table(characters);
console.log(`${training.length} pieces to learn, ${validation.length} held out`);

function add(kind: string, group: string, text: string): void {
  const side = mix32(hashLabel(group)) % VALIDATION_PERIOD === 0 ? validation : training;
  for (const piece of cut(text)) {
    const key = hashLabel(keyOf(piece));
    if (seen.has(key)) continue;
    seen.add(key);
    side.push(piece);
    characters[kind] = (characters[kind] ?? 0) + piece.length;
  }
}

/** Texts that models will be judged by, of all three parts. */
function judgedTexts(): Set<string> {
  const folder = join(packageRoot, "data", "dockerfile-risks");
  const lines = ["train", "validation", "test"].flatMap((part) =>
    readFileSync(join(folder, `${part}.jsonl`), "utf8")
      .trimEnd()
      .split("\n"),
  );
  return new Set(lines.map((line) => keyOf(JSON.parse(line).text)));
}

/** What stays of a text without comments, addresses, numbers and white space: copies of one have the same. */
function keyOf(text: string): string {
  return text
    .replace(/^\s*(#|\/\/).*$/gm, "")
    .replace(/\S+@\S+/g, "")
    .replace(/[^\p{L}]+/gu, "")
    .toLowerCase();
}

function cut(text: string): string[] {
  const pieces: string[] = [];
  let open = "";
  for (const line of text.replace(/\r\n?/g, "\n").split("\n")) {
    if (open.length + line.length > PIECE_CHARACTERS && open !== "") {
      pieces.push(open);
      open = "";
    }
    open += `${line.slice(0, PIECE_CHARACTERS)}\n`;
  }
  pieces.push(open);
  return pieces.map((piece) => piece.trim()).filter(({ length }) => length >= MINIMUM_CHARACTERS);
}

function* filesBelow(folder: string): Generator<string> {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (name === "cache" || LEFT_OUT.test(path)) continue;
    const { mode, size } = lstatSync(path);
    const kind = mode & 0o170000;
    if (kind === 0o040000) yield* filesBelow(path);
    else if (kind === 0o100000 && size <= MAX_FILE_BYTES) yield path;
  }
}

function shuffled(paths: Iterable<string>): string[] {
  const all = [...paths];
  return Array.from(new Random(SEED, "files").permutation(all.length), (index) => all[index]!);
}

async function write(name: string, pieces: readonly string[]): Promise<void> {
  const file = createWriteStream(join(outputFolder!, name));
  for (const index of new Random(SEED, name).permutation(pieces.length)) {
    file.write(`${JSON.stringify({ text: pieces[index] })}\n`);
  }
  file.end();
  await finished(file);
}

/** fettle-nano's tokenizer, and the shape of a larger model. */
function writeModel(folder: string): void {
  const nano = join(packageRoot, "models", "fettle-nano");
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(nano)) {
    if (name.endsWith(".json") || name.endsWith(".jinja")) cpSync(join(nano, name), join(folder, name));
  }
  const config = JSON.parse(readFileSync(join(nano, "config.json"), "utf8"));
  writeFileSync(join(folder, "config.json"), `${JSON.stringify({ ...config, ...MODEL }, null, 2)}\n`);
}
