/**
 * Write fettle-nano's pre-training corpus, `corpus.jsonl` and `validation.jsonl`:
 *
 *     node dist/scripts/fettle-nano/build-corpus.js DATA_FOLDER OUTPUT_FOLDER
 *
 * Every article comes twice, as plain text and as a task made of its own words; every piece of a source file once, as
 * one or the other. Labels are never read into it. Needs the tokenizer that train-tokenizer.js writes.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { packageRoot } from "../../src/base/package-root.ts";
import { hashLabel, mix32, Random } from "../../src/base/random.ts";
import type { SourceFile } from "./documents.ts";
import { articleKey, readArticles, readContracts, readDockerfiles } from "./documents.ts";
import { articleTask, type CorpusRow, type FileKind, fileRow, plainArticle } from "./tasks.ts";

const SEED = 17;

/** Tokens of a piece of a file; with a chat turn around it, it still fits the recipe's 512. */
const PIECE_TOKENS = 460;

/** A shorter last piece is dropped: it is mostly closing brackets. */
const MINIMUM_PIECE_TOKENS = 20;

/** One document in this many is held out for validation. */
const VALIDATION_PERIOD = 100;

interface Entry {
  readonly source: string;
  readonly row: CorpusRow;
}

const [dataFolder, outputFolder] = process.argv.slice(2);
if (dataFolder === undefined || outputFolder === undefined) {
  throw new Error("usage: build-corpus.js DATA_FOLDER OUTPUT_FOLDER");
}

const modelFolder = join(packageRoot, "models", "fettle-nano");
const tokenizer = new Tokenizer(readModelJson("tokenizer.json"), readModelJson("tokenizer_config.json"));
const training: Entry[] = [];
const validation: Entry[] = [];

addArticles();
addFiles(readDockerfiles(dataFolder), "Dockerfile");
addFiles(readContracts(dataFolder), "Solidity contract");

mkdirSync(outputFolder, { recursive: true });
write("corpus.jsonl", training);
write("validation.jsonl", validation);

function addArticles(): void {
  const articles = readArticles(dataFolder!);
  const random = new Random(SEED, "articles");
  for (const [heldOut, side] of [
    [false, training],
    [true, validation],
  ] as const) {
    const own = articles.filter((article) => isHeldOut(articleKey(article)) === heldOut);
    for (const article of own) {
      side.push({ source: "ag-news, plain", row: plainArticle(article) });
      side.push({ source: "ag-news, task", row: articleTask(article, own, random) });
    }
  }
}

function addFiles(files: readonly SourceFile[], kind: FileKind): void {
  const random = new Random(SEED, kind);
  const seen = new Set<string>();
  for (const file of files) {
    const side = isHeldOut(file.group) ? validation : training;
    for (const piece of cut(file.text)) {
      if (seen.has(piece)) continue;
      seen.add(piece);
      side.push({ source: file.source, row: fileRow(piece, kind, random) });
    }
  }
}

/** Cut a text at line ends into pieces of at most PIECE_TOKENS tokens; a longer single line is cut anywhere. */
function cut(text: string): string[] {
  const pieces: string[] = [];
  let lines: string[] = [];
  let tokens = 0;
  const finish = (): void => {
    if (tokens >= MINIMUM_PIECE_TOKENS) pieces.push(lines.join("\n"));
    lines = [];
    tokens = 0;
  };
  for (const line of text.split("\n").flatMap((whole) => whole.match(/.{1,400}/gsu) ?? [""])) {
    const added = countTokens(`${line}\n`);
    if (tokens + added > PIECE_TOKENS) finish();
    lines.push(line);
    tokens += added;
  }
  finish();
  return pieces;
}

function countTokens(text: string): number {
  return tokenizer.encode(text).ids.length;
}

function isHeldOut(key: string): boolean {
  return mix32(hashLabel(key)) % VALIDATION_PERIOD === 0;
}

/** Shuffle, write, and print what was written. */
function write(name: string, entries: readonly Entry[]): void {
  const order = new Random(SEED, name).permutation(entries.length);
  const lines = Array.from(order, (index) => `${JSON.stringify({ text: asText(entries[index]!.row) })}\n`);
  writeFileSync(join(outputFolder!, name), lines.join(""));
  const table: Record<string, { rows: number; bytes: number; tokens: number; longest: number }> = {};
  for (const { source, row } of entries) {
    const text = asText(row);
    const tokens = countTokens(text);
    for (const key of [source, "total"]) {
      table[key] ??= { rows: 0, bytes: 0, tokens: 0, longest: 0 };
      table[key].rows++;
      table[key].bytes += Buffer.byteLength(text);
      table[key].tokens += tokens;
      table[key].longest = Math.max(table[key].longest, tokens);
    }
  }
  const { total, ...sources } = table;
  console.log(name);
  console.table({ ...sources, total });
}

/** A conversation as the chat template prints it, up to the end of its last turn: all of it is text to learn. */
function asText(row: CorpusRow): string {
  return "text" in row ? row.text : row.messages.map(asChatTurn).join("").trimEnd();
}

function asChatTurn({ role, content }: { readonly role: string; readonly content: string }): string {
  return `<|im_start|>${role}\n${content}<|im_end|>\n`;
}

function readModelJson(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(modelFolder, name), "utf8"));
}
