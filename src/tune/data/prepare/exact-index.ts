import { hashLabel, mix32 } from "../../../base/random.ts";
import { KeyTable } from "./key-table.ts";
import { normalisedText } from "./text-units.ts";

/** Texts that can be asked for an equal one, in 16 to 32 bytes each; what is found was compared, not just its hash. */
export class ExactIndex {
  readonly #textOf: (id: number) => string;
  readonly #table = new KeyTable();

  /** @param textOf the text of what was added under an id */
  constructor(textOf: (id: number) => string) {
    this.#textOf = textOf;
  }

  /** The equal text that was added first; undefined when there is none, and then the text is added under `id`. */
  findOrAdd(id: number, text: string): number | undefined {
    const found = this.find(text);
    if (found === undefined) this.#table.add(keyOf(normalisedText(text)), id);
    return found;
  }

  find(text: string): number | undefined {
    const wanted = normalisedText(text);
    for (const id of this.#table.valuesOf(keyOf(wanted))) {
      if (normalisedText(this.#textOf(id)) === wanted) return id;
    }
    return undefined;
  }
}

function keyOf(text: string): number {
  return mix32(hashLabel(text));
}
