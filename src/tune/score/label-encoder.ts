/** A conversation and the answers it may get, as token sequences whose boundaries are those of training. */
import { UserError } from "../../base/errors.ts";
import type { Tokenizer } from "../../model/text/tokenizer.ts";
import type { EncodedExample } from "../data/pack.ts";
import type { Candidate } from "./label-trie.ts";

/** Encodes a row's conversation with one of its answers, as training does; the same prompt for all of them. */
export type EncodeAnswer = (answer: string) => EncodedExample;

/** Rows on which splicing is held against encoding every answer. */
const ROWS_CHECKED = 8;
/** Different endings that are remembered. */
const MAX_ENDINGS = 64;

/** What follows the head of a row's sequences, answer by answer; `begin` counts from the tail's first token. */
interface Ending {
  readonly tails: readonly Candidate[];
  rowsChecked: number;
}

/**
 * Makes a row's candidates, tokenising the row once where that is the same as doing it for every answer.
 *
 * Text is split at added tokens such as `<|im_start|>` before it is tokenised, so what stands before one does not depend
 * on what follows. A sequence is a head, which ends before the last added token ahead of the answer, and a tail. Rows
 * whose tails agree for one answer agree for all, as long as the template opens and closes answers alike; the first rows
 * of each tail are encoded with every answer to see that it does.
 */
export class LabelEncoder {
  readonly #tokenizer: Tokenizer;
  readonly #endings = new Map<string, Ending>();

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /**
   * @param answers what the assistant would write, label by label
   * @throws UserError when two answers are the same tokens, naming them.
   */
  candidates(answers: readonly string[], encode: EncodeAnswer): readonly Candidate[] {
    const first = answerOf(encode(answers[0]!));
    const at = this.#headLength(first);
    const key = `${first.ids.subarray(at).join(" ")}\n${answers.join("\n")}`;
    const known = this.#endings.get(key);
    if (known !== undefined && known.rowsChecked >= ROWS_CHECKED) {
      return known.tails.map((tail) => spliced(first.ids.subarray(0, at), tail));
    }
    const all = fromOneToken([first, ...answers.slice(1).map((answer) => answerOf(encode(answer)))]);
    refuseEqual(answers, all);
    this.#learn(key, all, at);
    return all;
  }

  /** Up to the last added token that stands before the answer; 0 where there is none. */
  #headLength({ ids, begin }: Candidate): number {
    for (let i = begin - 1; i > 0; i--) if (this.#tokenizer.isAdded(ids[i]!)) return i;
    return 0;
  }

  #learn(key: string, all: readonly Candidate[], at: number): void {
    const head = all[0]!.ids.subarray(0, at);
    const alike = at > 0 && all.every(({ ids, begin }) => begin > at && equal(ids.subarray(0, at), head));
    const tails = all.map(({ ids, begin }) => ({ ids: ids.slice(at), begin: begin - at }));
    const known = this.#endings.get(key);
    if (known === undefined) {
      if (alike && this.#endings.size < MAX_ENDINGS) this.#endings.set(key, { tails, rowsChecked: 1 });
    } else if (
      alike &&
      tails.every(({ ids, begin }, i) => equal(ids, known.tails[i]!.ids) && begin === known.tails[i]!.begin)
    ) {
      known.rowsChecked++;
    } else {
      // The rows do not agree: never splice this ending.
      known.rowsChecked = Number.NEGATIVE_INFINITY;
    }
  }
}

/**
 * An answer may merge with the prompt's last characters into one token and its rival not: all are scored from the first
 * token at which any of them begins, so that they share the condition that their probabilities are given.
 */
function fromOneToken(all: readonly Candidate[]): Candidate[] {
  const begin = Math.min(...all.map((candidate) => candidate.begin));
  return all.map(({ ids }) => ({ ids, begin }));
}

/** The last answer of a conversation: the last run of supervised tokens ends the sequence. */
function answerOf({ ids, supervised }: EncodedExample): Candidate {
  const end = supervised.lastIndexOf(1) + 1;
  let begin = end;
  while (begin > 0 && supervised[begin - 1] === 1) begin--;
  return { ids: ids.subarray(0, end), begin: Math.max(begin, 1) };
}

function spliced(head: Int32Array, tail: Candidate): Candidate {
  const ids = new Int32Array(head.length + tail.ids.length);
  ids.set(head);
  ids.set(tail.ids, head.length);
  return { ids, begin: head.length + tail.begin };
}

function equal(a: Int32Array, b: Int32Array): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}

function refuseEqual(answers: readonly string[], candidates: readonly Candidate[]): void {
  const seen = new Map<string, string>();
  for (const [i, { ids, begin }] of candidates.entries()) {
    const tokens = ids.subarray(begin).join(" ");
    const other = seen.get(tokens);
    if (other !== undefined) {
      throw new UserError({
        code: "score/equal-labels",
        message: `the labels ${JSON.stringify(other)} and ${JSON.stringify(answers[i])} are the same tokens to this model`,
        where: "labels",
        fix: "give the classes names that the model's tokenizer tells apart",
      });
    }
    seen.set(tokens, answers[i]!);
  }
}
