/** Rows of a set in, answers in the model's own words out: what it writes where the expected answer stands. */
import { UserError } from "../../base/errors.ts";
import type { Decoder } from "../../model/families/decoder.ts";
import type { ConversationEncoder } from "../data/conversation-encoder.ts";
import type { Dataset } from "../data/dataset.ts";
import type { EncodeOptions } from "../data/encode-row.ts";
import type { EncodedExample } from "../data/pack.ts";
import type { Problems } from "../data/problems.ts";
import { refusedRow } from "../data/refused-row.ts";
import { askedRow } from "./asked-row.ts";
import { BatchEngine } from "./batch-engine.ts";

export interface WrittenAnswer {
  /** Index in the set. */
  readonly index: number;
  /** The last thing the user says. */
  readonly prompt: string;
  readonly answer: string;
  readonly expected: string;
  /** Whether it was cut off at the most tokens. */
  readonly unfinished: boolean;
}

export interface Writer {
  readonly decoder: Decoder;
  /** One that marks the assistant's answers alone. */
  readonly encoder: ConversationEncoder;
  readonly encodeOptions: EncodeOptions;
  /** Tokens that end an answer. */
  readonly stopTokens: Iterable<number>;
  readonly maxNewTokens: number;
}

/** Rows that are answered at once. */
const AT_ONCE = 256;

/**
 * In order, greedily, many rows at once. The prompt is what training puts before the answer, token for token; a
 * document that leaves no room for the expected answer is treated as in training.
 * @param problems rows without an answer to expect, and what becomes of rows that are too long
 * @throws UserError when rows are plain text, or a row is too long and that is refused
 */
export async function* writeAnswers(
  writer: Writer,
  dataset: Dataset,
  problems: Problems,
): AsyncGenerator<WrittenAnswer> {
  if (dataset.shape.kind === "text") {
    throw new UserError({
      code: "score/no-answers",
      message: `the ${dataset.name} set is plain text: there are neither labels nor answers to judge by`,
      fix: "name the label's field in data.columns, or give rows with messages, or with a prompt and an answer",
    });
  }
  const { decoder, encoder } = writer;
  await using engine = new BatchEngine({ decoder }, encoder.tokenizer, { maxRunning: AT_ONCE });
  const underWay: Promise<WrittenAnswer>[] = [];
  for (let index = 0; index < dataset.length; index++) {
    const asked = question(writer, dataset, index, problems);
    if (asked === undefined) continue;
    const answer = answerTo(engine, writer, asked, index);
    // Whoever awaits it is told; until then a failure is nobody's.
    answer.catch(() => undefined);
    underWay.push(answer);
    if (underWay.length === AT_ONCE) yield await underWay.shift()!;
  }
  for (const answer of underWay) yield await answer;
}

async function answerTo(
  engine: BatchEngine,
  { stopTokens, maxNewTokens }: Writer,
  { ids, prompt, expected }: Question,
  index: number,
): Promise<WrittenAnswer> {
  let answer = "";
  let finish: string | undefined;
  for await (const token of engine.generate({ prompt: ids, stopTokens, maxNewTokens })) {
    answer += token.text;
    finish = token.finish;
  }
  return { index, prompt, answer, expected, unfinished: finish !== "stop" };
}

interface Question extends Pick<WrittenAnswer, "prompt" | "expected"> {
  readonly ids: Int32Array;
}

function question(
  { encoder, encodeOptions }: Writer,
  dataset: Dataset,
  index: number,
  problems: Problems,
): Question | undefined {
  const where = dataset.where(index);
  try {
    const example = dataset.example(index);
    const last = example.kind === "conversation" ? example.messages.at(-1) : undefined;
    if (last?.role !== "assistant") {
      problems.skip(where, "no answer to expect");
      return undefined;
    }
    const expected = last.content;
    const asked = askedRow(dataset, index, [expected], "answer", encoder, encodeOptions, problems);
    return asked && { ids: beforeAnswer(asked.encode(expected)), prompt: asked.text, expected };
  } catch (error) {
    return refusedRow(error, where, problems);
  }
}

/** Tokens up to the last answer. */
function beforeAnswer({ ids, supervised }: EncodedExample): Int32Array {
  let at = supervised.lastIndexOf(1);
  while (at > 0 && supervised[at - 1] === 1) at--;
  return ids.slice(0, Math.max(0, at));
}
