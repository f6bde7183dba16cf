/** What a server under load is asked, each with what it must answer. */

import { generate } from "../../src/app/api/generate.ts";
import type { LoadedModel } from "../../src/app/api/load-model.ts";
import { type PredictOptions, predict } from "../../src/app/api/predict.ts";

export interface Question {
  readonly kind: string;
  readonly path: string;
  readonly body: object;
  /** Undefined: right; otherwise what is wrong with the answer. */
  readonly wrong: (answer: string) => string | undefined;
  /** Rows that it labels. */
  readonly rows: number;
}

interface Said {
  readonly label: string;
  readonly probabilities: Readonly<Record<string, number>>;
  readonly outside: number;
}

const TOKENS = 24;
const BATCH = 16;

/**
 * Asks the model itself first.
 * @param name that the server knows it by
 * @param tolerance what probabilities may differ by
 */
export async function prepareQuestions(
  model: LoadedModel,
  name: string,
  texts: readonly string[],
  tolerance: number,
): Promise<Question[]> {
  const questions: Question[] = [];
  for (let begin = 0; begin < texts.length; begin += BATCH) {
    const batch = texts.slice(begin, begin + BATCH);
    questions.push(classifyQuestion(name, "16 texts", batch, await said(model, { texts: batch }), tolerance));
    questions.push(classifyQuestion(name, "1 text", batch[0]!, await said(model, { texts: [batch[0]!] }), tolerance));
    const text = await generated(model, batch[1] ?? batch[0]!);
    for (const stream of [false, true]) questions.push(chatQuestion(name, batch[1] ?? batch[0]!, text, stream));
  }
  return questions;
}

async function said(model: LoadedModel, options: PredictOptions): Promise<Said[]> {
  const all: Said[] = [];
  for await (const { label, probabilities, outside } of predict(model, options))
    all.push({ label, probabilities, outside });
  return all;
}

async function generated(model: LoadedModel, prompt: string): Promise<string> {
  let text = "";
  for await (const piece of generate(model, { prompt, maxNewTokens: TOKENS })) text += piece.text;
  return text;
}

function classifyQuestion(
  model: string,
  what: string,
  input: string | readonly string[],
  expected: readonly Said[],
  tolerance: number,
): Question {
  const wrong = (answer: string): string | undefined => {
    const { data } = JSON.parse(answer) as { data: readonly Said[] };
    if (data.length !== expected.length) return `${data.length} answers`;
    for (const [i, own] of expected.entries()) {
      const given = data[i]!;
      const pairs = [
        [own.outside, given.outside] as const,
        ...Object.keys(own.probabilities).map(
          (name) => [own.probabilities[name]!, given.probabilities[name]!] as const,
        ),
      ];
      const difference = Math.max(...pairs.map(([a, b]) => Math.abs(a - b)));
      if (!(difference <= tolerance)) return `row ${i} differs by ${difference}`;
      if (tolerance === 0 && own.label !== given.label) return `row ${i} has another label`;
    }
    return undefined;
  };
  return { kind: `classify, ${what}`, path: "/v1/classify", body: { model, input }, wrong, rows: expected.length };
}

function chatQuestion(model: string, prompt: string, expected: string, stream: boolean): Question {
  const messages = [{ role: "user", content: prompt }];
  return {
    kind: stream ? "chat, streamed" : "chat",
    path: "/v1/chat/completions",
    body: { model, messages, max_tokens: TOKENS, temperature: 0, stream },
    wrong: (answer) => {
      const text = stream ? streamedText(answer) : JSON.parse(answer).choices[0].message.content;
      return text === expected ? undefined : `${JSON.stringify(text)} in place of ${JSON.stringify(expected)}`;
    },
    rows: 0,
  };
}

function streamedText(answer: string): string {
  const events = answer
    .split("\n\n")
    .flatMap((event) => (event.startsWith("data: {") ? [JSON.parse(event.slice(6))] : []));
  return events.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
}
