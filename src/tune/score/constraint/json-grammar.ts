/** Texts that are JSON values (RFC 8259), in the form in which a constrained answer has them. */
import { anyOf, bytes, choice, type Expression, literal, optional, repeat, sequence, upTo } from "./grammar.ts";

/** Objects and lists inside each other. */
export const MAX_DEPTH = 16;

const continuation = bytes([0x80, 0xbf]);

/** A character beyond ASCII in UTF-8; Unicode 16, table 3-7. */
const beyondAscii = choice(
  sequence(bytes([0xc2, 0xdf]), continuation),
  sequence(bytes([0xe0, 0xe0]), bytes([0xa0, 0xbf]), continuation),
  sequence(bytes([0xe1, 0xec], [0xee, 0xef]), continuation, continuation),
  sequence(bytes([0xed, 0xed]), bytes([0x80, 0x9f]), continuation),
  sequence(bytes([0xf0, 0xf0]), bytes([0x90, 0xbf]), continuation, continuation),
  sequence(bytes([0xf1, 0xf3]), continuation, continuation, continuation),
  sequence(bytes([0xf4, 0xf4]), bytes([0x80, 0x8f]), continuation, continuation),
);

const hex = anyOf("0123456789abcdefABCDEF");

/** Not of a surrogate, which is no character. */
const escapedUnit = sequence(
  literal("u"),
  choice(sequence(anyOf("0123456789abcefABCEF"), hex, hex, hex), sequence(anyOf("dD"), anyOf("01234567"), hex, hex)),
);

const plain = bytes([0x20, 0x21], [0x23, 0x5b], [0x5d, 0x7f]);

const character = choice(plain, beyondAscii, sequence(literal("\\"), choice(anyOf('"\\/bfnrt'), escapedUnit)));

export const string: Expression = sequence(literal('"'), repeat(character), literal('"'));

const digit = anyOf("0123456789");

/** Numbers below 10¹⁵, which every reader takes for what they are. */
export const integer: Expression = sequence(
  optional(literal("-")),
  choice(literal("0"), sequence(anyOf("123456789"), upTo(14, digit))),
);

export const number: Expression = sequence(
  integer,
  optional(sequence(literal("."), digit, upTo(14, digit))),
  optional(sequence(anyOf("eE"), optional(anyOf("+-")), digit, optional(digit))),
);

export const boolean: Expression = choice(literal("true"), literal("false"));

/** After a comma or a colon. */
const space = optional(literal(" "));
const comma = sequence(literal(","), space);
const colon = sequence(literal(":"), space);

export function list(item: Expression | undefined): Expression {
  if (item === undefined) return literal("[]");
  return sequence(literal("["), optional(sequence(item, repeat(sequence(comma, item)))), literal("]"));
}

export interface Property {
  readonly name: string;
  readonly value: Expression;
  readonly required: boolean;
}

/** Properties come in this order; those that are not required may be left out. */
export function object(properties: readonly Property[]): Expression {
  // What may follow when nothing was written yet, and when something was.
  let first: Expression = literal("}");
  let later: Expression = literal("}");
  for (const { name, value, required } of properties.toReversed()) {
    const own = sequence(literal(JSON.stringify(name)), colon, value);
    const begun: Expression = sequence(own, later);
    const goneOn = sequence(comma, own, later);
    first = required ? begun : choice(begun, first);
    later = required ? goneOn : choice(goneOn, later);
  }
  return sequence(literal("{"), first);
}

/** With any properties, of values that are nested so deep at most. */
export function anyObject(depth: number): Expression {
  const member = sequence(string, colon, anyValue(depth - 1));
  return sequence(literal("{"), optional(sequence(member, repeat(sequence(comma, member)))), literal("}"));
}

const anyValues: Expression[] = [choice(string, number, boolean, literal("null"))];

/** @param depth objects and lists inside each other; 0: neither */
export function anyValue(depth: number): Expression {
  for (let at = anyValues.length; at <= depth; at++) {
    anyValues.push(choice(anyValues[0]!, list(anyValues[at - 1]), anyObject(at)));
  }
  return anyValues[Math.max(depth, 0)]!;
}
