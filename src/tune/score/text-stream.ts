/** Text of tokens as they come, in pieces that never split a character. */
import type { Tokenizer } from "../../model/text/tokenizer.ts";

const REPLACEMENT = "\ufffd";

export class TextStream {
  readonly #tokenizer: Tokenizer;
  /** Tokens already told, kept because what follows may be written differently after them, and tokens not yet told. */
  #ids: number[] = [];
  #told = 0;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** Text that the token completes; empty while a character lacks bytes. */
  push(id: number): string {
    this.#ids.push(id);
    const piece = this.#untold();
    return piece.endsWith(REPLACEMENT) ? "" : this.#tell(piece);
  }

  /** What is left at the end, incomplete characters as U+FFFD. */
  end(): string {
    return this.#tell(this.#untold());
  }

  #untold(): string {
    const before = this.#decode(this.#ids.slice(0, this.#told));
    return this.#decode(this.#ids).slice(before.length);
  }

  #tell(piece: string): string {
    // Context enough for decoders that treat the first token of a text differently.
    if (piece !== "") {
      this.#ids = this.#ids.slice(this.#told);
      this.#told = this.#ids.length;
    }
    return piece;
  }

  #decode(ids: readonly number[]): string {
    return this.#tokenizer.decode(ids, { skipSpecial: true });
  }
}
