import { isJsonObject, type JsonValue } from "../files/json-file.ts";
import { damaged } from "./component.ts";

/** A token that is recognised in the text before anything else; fields as in tokenizer.json. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly singleWord: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
  readonly special: boolean;
}

/** @throws UserError when an entry has no content or no sane id. */
export function readAddedTokens(value: JsonValue | undefined, maxId: number, where: string): AddedToken[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw damaged('"added_tokens" must be a list', where);
  return value.map((entry, i) => {
    const { id, content, single_word, lstrip, rstrip, normalized, special } = isJsonObject(entry) ? entry : {};
    if (typeof id !== "number" || !Number.isSafeInteger(id) || id < 0 || id > maxId || typeof content !== "string") {
      throw damaged(`added token ${i} must have a "content" and an "id" from 0 to ${maxId}`, where);
    }
    return {
      id,
      content,
      singleWord: single_word === true,
      lstrip: lstrip === true,
      rstrip: rstrip === true,
      normalized: normalized === true,
      special: special === true,
    };
  });
}

interface Node {
  readonly children: Map<number, Node>;
  token?: AddedToken;
}

/** Receives what lies between added tokens, and the tokens with the range they take, in order. */
export interface SectionSink {
  text(begin: number, end: number): void;
  token(token: AddedToken, begin: number, end: number): void;
}

const WORD = "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u200c\\u200d]";
const STARTS_WITH_WORD = new RegExp(`^${WORD}`, "u");
const ENDS_WITH_WORD = new RegExp(`${WORD}$`, "u");

/** Finds added tokens in a text, leftmost and longest, by walking a trie of UTF-16 units. */
export class AddedTokenFinder {
  readonly #root: Node = { children: new Map() };
  /** Where a token may begin. */
  readonly #firstUnit: RegExp;
  readonly #final: ReadonlySet<AddedToken>;

  /** @param contentOf what to look for instead of the content itself: the normalised content. */
  constructor(tokens: readonly AddedToken[], contentOf: (token: AddedToken) => string = ({ content }) => content) {
    this.#final = new Set(tokens.filter((token) => isFinal(token, tokens)));
    for (const token of tokens) {
      const content = contentOf(token);
      let node = this.#root;
      for (let i = 0; i < content.length; i++) {
        const unit = content.charCodeAt(i);
        let child = node.children.get(unit);
        if (child === undefined) {
          child = { children: new Map() };
          node.children.set(unit, child);
        }
        node = child;
      }
      if (node !== this.#root) node.token = token;
    }
    const units = [...this.#root.children.keys()].map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`);
    this.#firstUnit = new RegExp(`[${units.join("")}]`, "g");
  }

  /** Whether what follows a token in a text changes neither it nor what was found before it. */
  isFinal(token: AddedToken): boolean {
    return this.#final.has(token);
  }

  /**
   * Splits the text; `lstrip` and `rstrip` tokens take the whitespace on that side with them.
   * @param from end of a final token that was found before
   */
  split(text: string, sink: SectionSink, from = 0): void {
    let done = from;
    if (this.#root.children.size > 0) {
      for (let i = this.#nextStart(text, from); i < text.length; i = this.#nextStart(text, i)) {
        const match = this.#longestAt(text, i);
        if (match === undefined) {
          i++;
          continue;
        }
        const { token, end } = match;
        if (!token.singleWord || isWholeWord(text, i, end)) {
          const begin = token.lstrip ? done + text.slice(done, i).trimEnd().length : i;
          const stop = token.rstrip ? text.length - text.slice(end).trimStart().length : end;
          if (begin > done) sink.text(done, begin);
          sink.token(token, begin, stop);
          done = stop;
          i = Math.max(end, stop);
        } else {
          i = end;
        }
      }
    }
    if (done < text.length) sink.text(done, text.length);
  }

  #nextStart(text: string, from: number): number {
    this.#firstUnit.lastIndex = from;
    return this.#firstUnit.test(text) ? this.#firstUnit.lastIndex - 1 : text.length;
  }

  #longestAt(text: string, at: number): { token: AddedToken; end: number } | undefined {
    let node = this.#root.children.get(text.charCodeAt(at));
    let match: { token: AddedToken; end: number } | undefined;
    for (let i = at + 1; node !== undefined; i++) {
      if (node.token !== undefined) match = { token: node.token, end: i };
      if (i >= text.length) break;
      node = node.children.get(text.charCodeAt(i));
    }
    return match;
  }
}

/**
 * A token takes nothing from what follows it, and no token that begins before it can reach beyond it: that one would have
 * it inside. Whether a token is a whole word is told from two units after it.
 */
function isFinal(token: AddedToken, tokens: readonly AddedToken[]): boolean {
  const { content, singleWord, rstrip } = token;
  return (
    !singleWord &&
    !rstrip &&
    content.length >= 2 &&
    tokens.every((other) => other === token || !other.content.includes(content))
  );
}

function isWholeWord(text: string, begin: number, end: number): boolean {
  return (
    !ENDS_WITH_WORD.test(text.slice(Math.max(0, begin - 2), begin)) && !STARTS_WITH_WORD.test(text.slice(end, end + 2))
  );
}
