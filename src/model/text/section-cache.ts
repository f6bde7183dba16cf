import type { Encoding } from "./encoding.ts";

/** Sections kept: instructions, ends of turns, and answers of a classification are few. */
const MAX_SECTIONS = 1024;
/** Longer sections are kept neither; instructions of more characters than this are rare. */
const MAX_SECTION_LENGTH = 16_384;
/** Sections seen once are remembered by themselves, so that what never repeats is not kept with its tokens. */
const MAX_SEEN = 256;

/**
 * Remembers the tokens of sections of text that come again and again, such as the instructions before each example. When
 * full it starts anew, which bounds memory.
 */
export class SectionCache {
  readonly #sections = new Map<string, Encoding>();
  readonly #seen = new Set<string>();

  get(text: string): Encoding | undefined {
    return this.#sections.get(text);
  }

  /** @param encode with offsets from the section's start; called when the text comes for the second time in a while */
  offer(text: string, encode: () => Encoding): void {
    if (text.length > MAX_SECTION_LENGTH) return;
    if (this.#seen.delete(text)) {
      if (this.#sections.size >= MAX_SECTIONS) this.#sections.clear();
      // V8 keeps the whole parent of a substring alive; this copy has a parent of its own size.
      this.#sections.set(`-${text}`.slice(1), encode());
    } else {
      if (this.#seen.size >= MAX_SEEN) this.#seen.clear();
      this.#seen.add(text);
    }
  }
}
