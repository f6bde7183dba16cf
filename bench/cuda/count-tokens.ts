/**
 * `node dist/bench/cuda/count-tokens.js FOLDER`: writes `ag-news-tokens.json`, what the CUDA benchmark needs to know of a
 * real AG News recipe under Qwen's tokenizer. FOLDER holds that tokenizer (Qwen2.5 and Qwen3 split text alike).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/base/package-root.ts";
import { loadTokenizer } from "../../src/model/text/tokenizer.ts";
import type { AgNewsTokens } from "./rows.ts";

const labels = ["World", "Sports", "Business", "Sci/Tech"];

const system = `You are a news editor. You sort short news articles into exactly one of four categories.

World: politics, war and peace, diplomacy, elections, disasters and crime anywhere.
Sports: matches, tournaments, teams, athletes, transfers and records.
Business: companies, markets, prices, jobs, trade and the economy.
Sci/Tech: science, space, computers, software, the internet and gadgets.

Rules:
1. Go by what the article is mainly about, not by a name or a place that it mentions in passing.
2. A company's product is Sci/Tech; its profits, deals, leaders and lawsuits are Business.
3. Governments and courts are World, unless the story is about a market or a technology.
4. Answer with JSON and nothing else: one key, "category", and as its value one of the four names above, exactly as it is written there.`;

const tokenizer = loadTokenizer(process.argv[2]!);
const encode = (text: string): number[] => [...tokenizer.encode(text).ids];

// Qwen2.5's template.
const beginning = encode(`<|im_start|>system\n${system}<|im_end|>\n<|im_start|>user\nClassify:\n\n`);
const rows = readFileSync(join(packageRoot, "examples/ag-news/train.jsonl"), "utf8").trim().split("\n");
const articles = rows.map((row) => {
  const { text, label } = JSON.parse(row) as { text: string; label: string };
  return [encode(`${text}<|im_end|>\n<|im_start|>assistant\n`).length, labels.indexOf(label)] as const;
});
const tokens: AgNewsTokens = {
  beginning,
  answers: labels.map((label) => encode(`{"category":"${label}"}<|im_end|>`)),
  articles,
};
writeFileSync(join(packageRoot, "bench/cuda/ag-news-tokens.json"), `${JSON.stringify(tokens)}\n`);
console.log(`${beginning.length} tokens in common, ${articles.length} articles`);
