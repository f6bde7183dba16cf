/** What a text may be, byte by byte: expressions that may be nested and shared, but not refer to themselves. */

export type Expression =
  /** One byte of a set. */
  | { readonly kind: "byte"; readonly set: ByteSet }
  /** One after the other; none of them is the empty text. */
  | { readonly kind: "sequence"; readonly parts: readonly Expression[] }
  | { readonly kind: "choice"; readonly options: readonly Expression[] }
  /** Any number of times. */
  | { readonly kind: "repeat"; readonly part: Expression };

/** [256] 1 for each byte that is in the set. */
export type ByteSet = Uint8Array;

export const empty: Expression = { kind: "sequence", parts: [] };

/** @param ranges first and last byte of each */
export function bytes(...ranges: readonly (readonly [first: number, last: number])[]): Expression {
  const set = new Uint8Array(256);
  for (const [first, last] of ranges) set.fill(1, first, last + 1);
  return { kind: "byte", set };
}

/** Any one of the characters, which are ASCII. */
export function anyOf(characters: string): Expression {
  return bytes(...Array.from(Buffer.from(characters), (byte) => [byte, byte] as const));
}

/** The UTF-8 bytes of a text. */
export function literal(text: string): Expression {
  return sequence(...Array.from(Buffer.from(text), (byte) => bytes([byte, byte])));
}

export function sequence(...parts: readonly Expression[]): Expression {
  return parts.length === 1 ? parts[0]! : { kind: "sequence", parts };
}

export function choice(...options: readonly Expression[]): Expression {
  return options.length === 1 ? options[0]! : { kind: "choice", options };
}

export function optional(part: Expression): Expression {
  return choice(part, empty);
}

export function repeat(part: Expression): Expression {
  return { kind: "repeat", part };
}

/** At most so many times. */
export function upTo(most: number, part: Expression): Expression {
  let rest = empty;
  for (let i = 0; i < most; i++) rest = optional(sequence(part, rest));
  return rest;
}
