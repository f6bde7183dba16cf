import type { Encoding } from "./encoding.ts";
import type { TokenSink } from "./token-sink.ts";

/** Longer texts are not looked at; instructions of more characters than this are rare. */
const MAX_LENGTH = 1 << 16;
/** Shorter heads are not worth it. */
const MIN_LENGTH = 32;

/**
 * The head that texts have in common, such as the instructions before each example, with its tokens: known once two texts
 * that follow each other begin with it. A head ends where what follows cannot change its tokens; the caller says where.
 */
export class CommonHead {
  #head = "";
  #tokens: Encoding = { ids: new Int32Array(0), offsets: new Int32Array(0) };
  /** The last text without the head. */
  #previous = "";
  /** Of the text that is looked at: what it has in common with the one before, and where its head ends. */
  #common = 0;
  #end = 0;
  #count = 0;

  /** Appends the tokens of the head to an empty sink; 0 where a text begins otherwise. @returns characters of the head */
  append(text: string, sink: TokenSink): number {
    this.#common = this.#end = 0;
    if (this.#head !== "" && text.startsWith(this.#head)) {
      sink.append(this.#tokens, 0);
      return this.#head.length;
    }
    if (text.length > MAX_LENGTH) return 0;
    const limit = Math.min(text.length, this.#previous.length);
    let common = 0;
    while (common < limit && text.charCodeAt(common) === this.#previous.charCodeAt(common)) common++;
    this.#common = common;
    this.#previous = text;
    return 0;
  }

  /** A head of the text may end at `end`, with as many tokens as the sink has by now. */
  mayEnd(end: number, sink: TokenSink): void {
    if (end > this.#common) return;
    this.#end = end;
    this.#count = sink.length;
  }

  /** Takes the longest head that the text has in common with the one before. @param sink with the text's tokens */
  learn(text: string, sink: TokenSink): void {
    if (this.#end < MIN_LENGTH) return;
    const { ids, offsets } = sink.view();
    // V8 keeps the whole parent of a substring alive; this copy has a parent of its own size.
    this.#head = `-${text.slice(0, this.#end)}`.slice(1);
    this.#tokens = { ids: ids.slice(0, this.#count), offsets: offsets.slice(0, 2 * this.#count) };
  }
}
