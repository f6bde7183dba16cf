/** Rows as an AG News recipe makes them under Qwen's tokenizer: real lengths, beginnings and answers; random articles. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/base/package-root.ts";
import { Random } from "../../src/base/random.ts";

/** What `count-tokens.ts` counts. */
export interface AgNewsTokens {
  /** Ids of the template's beginning, the system prompt and the words before the article. */
  readonly beginning: readonly number[];
  /** Ids of each label's answer and the end of turn. */
  readonly answers: readonly (readonly number[])[];
  /** Of each row of the excerpt: tokens of the article and of what the template puts after it, and the label. */
  readonly articles: readonly (readonly [tokens: number, label: number])[];
}

export interface Row {
  readonly ids: readonly number[];
  /** Tokens before the first that is supervised. */
  readonly prompt: number;
}

export function readAgNewsTokens(): AgNewsTokens {
  return JSON.parse(readFileSync(join(packageRoot, "bench/cuda/ag-news-tokens.json"), "utf8")) as AgNewsTokens;
}

/** The first `count` rows, from the excerpt's beginning again after its end, with other articles. */
export function agNewsRows(count: number, { beginning, answers, articles }: AgNewsTokens = readAgNewsTokens()): Row[] {
  const random = new Random(1, "ag news");
  return Array.from({ length: count }, (_, i) => {
    const [length, label] = articles[i % articles.length]!;
    const article = Array.from({ length }, () => random.integer(ARTICLE_IDS));
    return { ids: [...beginning, ...article, ...answers[label]!], prompt: beginning.length + length };
  });
}

/** Ids below this are words; special tokens come after them. */
const ARTICLE_IDS = 151_643;

/** Rows of one length that have nothing in common. @param supervised part of a row's end that the loss is on */
export function plainRows(count: number, length: number, supervised: number): Row[] {
  const random = new Random(2, "plain rows");
  const prompt = length - Math.round(length * supervised);
  return Array.from({ length: count }, () => ({
    ids: Array.from({ length }, () => random.integer(ARTICLE_IDS)),
    prompt: Math.max(prompt, 1),
  }));
}
