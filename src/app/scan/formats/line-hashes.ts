/**
 * GitHub's `primaryLocationLineHash`: how code scanning knows a line again after others were added above it. Its upload
 * action computes the same where a result has none, and warns where it has another one.
 * Defined by github/codeql-action, src/fingerprints.ts: over the first 100 characters from a line's start that are no
 * blank or tab, across lines, h = sum of c_i * 37^(99-i) modulo 2^64, and how often the value came before in the file.
 */
const WINDOW = 100;
const FACTOR = 37n;
const MASK = (1n << 64n) - 1n;
/** Leaves the sum when a character moves out of the window. */
const OUT = (FACTOR ** BigInt(WINDOW)) & MASK;
const END_OF_FILE = 0xffff;

/**
 * @param text a file's content
 * @param wanted line numbers, from 1
 * @returns `hash:count` of each wanted line that there is; an end of line ends a line, so that text that ends in one has
 *   an empty line at its end
 */
export function lineHashes(text: string, wanted: ReadonlySet<number>): ReadonlyMap<number, string> {
  const { characters, starts } = reduce(text);
  const found = new Map<number, string>();
  const counts = new Map<bigint, number>();
  const last = Math.max(0, ...wanted);
  let hash = 0n;
  const at = (index: number): number => characters[index] ?? 0;
  for (let i = 0; i < WINDOW; i++) hash = (hash * FACTOR + BigInt(at(i))) & MASK;
  for (let line = 1, position = 0; line <= Math.min(last, starts.length); line++) {
    for (; position < starts[line - 1]!; position++) {
      hash = (hash * FACTOR + BigInt(at(position + WINDOW)) - BigInt(at(position)) * OUT) & MASK;
    }
    const count = (counts.get(hash) ?? 0) + 1;
    counts.set(hash, count);
    if (wanted.has(line)) found.set(line, `${hash.toString(16)}:${count}`);
  }
  return found;
}

/** UTF-16 units without blanks and tabs, every line end as one `\n`, and where each line starts among them. */
function reduce(text: string): { readonly characters: readonly number[]; readonly starts: readonly number[] } {
  const characters: number[] = [];
  const starts = [0];
  const kept = text.replace(/\r\n?/g, "\n").replace(/[ \t]/g, "");
  for (let i = 0; i < kept.length; i++) {
    const character = kept.charCodeAt(i);
    characters.push(character);
    if (character === 0x0a) starts.push(characters.length);
  }
  characters.push(END_OF_FILE);
  return { characters, starts };
}
