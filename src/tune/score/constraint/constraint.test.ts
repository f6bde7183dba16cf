import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { UserError } from "../../../base/errors.ts";
import { packageRoot } from "../../../base/package-root.ts";
import { Random } from "../../../base/random.ts";
import type { JsonValue } from "../../../model/files/json-file.ts";
import { loadTokenizer } from "../../../model/text/tokenizer.ts";
import type { ConstraintSpec } from "../generation-request.ts";
import { Machine } from "./machine.ts";
import { ConstraintMaker, grammarOf } from "./token-constraint.ts";

const tokenizer = loadTokenizer(join(packageRoot, "models/fettle-nano"));
const END = tokenizer.eosId!;
const maker = new ConstraintMaker(tokenizer, tokenizer.vocabSize);
const ids = Array.from({ length: tokenizer.vocabSize }, (_, id) => id);
const quoting = new Set(ids.filter((id) => tokenizer.decode([id]).includes('"')));

/** A text of tokens drawn at random from those allowed; undefined where it does not end within 600. */
function write(spec: ConstraintSpec, random: Random): string | undefined {
  const text = maker.make(spec).begin();
  const written: number[] = [];
  while (written.length < 600) {
    if (text.isWhole) return tokenizer.decode(written);
    const mask = text.mask([END]);
    let allowed = ids.filter((id) => (mask[id >>> 5]! >>> (id & 31)) & 1);
    assert.ok(allowed.length > 0, `nothing may follow ${tokenizer.decode(written)}`);
    // Strings come to an end sooner or later.
    const ending = allowed.filter((id) => quoting.has(id));
    if (ending.length > 0 && allowed.length > 500 && random.uniform() < 0.4) allowed = ending;
    const id = allowed[Math.floor(random.uniform() * allowed.length)]!;
    if (id === END) return tokenizer.decode(written);
    written.push(id);
    text.push(id);
  }
  return undefined;
}

function pick<T>(random: Random, list: readonly T[]): T {
  return list[Math.floor(random.uniform() * list.length)]!;
}

type Schema = { [key: string]: JsonValue };

function randomSchema(random: Random, depth: number): Schema {
  const kinds = ["string", "number", "integer", "boolean", "null", "enum", "const", "ref"];
  const kind = pick(random, depth > 0 ? [...kinds, "object", "object", "array", "anyOf", "types"] : kinds);
  switch (kind) {
    case "enum":
      return { enum: ["low", "höh\n", 3, null, { a: [1, "b"] }] };
    case "const":
      return { const: pick<JsonValue>(random, ['a "quoted" one', -7.25, false, [1, 2]]) };
    case "ref":
      return { $ref: "#/$defs/tree" };
    case "types":
      return { type: ["string", "null"], description: "one or the other" };
    case "anyOf":
      return { anyOf: [randomSchema(random, depth - 1), randomSchema(random, depth - 1)] };
    case "array":
      return { type: "array", items: randomSchema(random, depth - 1) };
    case "object": {
      const names = ["name", "na", 'odd "key"', "größe"].filter(() => random.uniform() < 0.7);
      const properties = Object.fromEntries(names.map((name) => [name, randomSchema(random, depth - 1)]));
      const required = names.filter(() => random.uniform() < 0.5);
      return { type: "object", properties, required, additionalProperties: false };
    }
    default:
      return { type: kind };
  }
}

const tree: Schema = {
  type: "object",
  properties: { value: { type: "integer" }, children: { type: "array", items: { $ref: "#/$defs/tree" } } },
  required: ["value"],
  additionalProperties: false,
};

/** The rules of JSON Schema for what `randomSchema` makes. */
function isValid(value: JsonValue, schema: Schema): boolean {
  if (schema.$ref !== undefined) return isValid(value, tree);
  if (schema.anyOf !== undefined) return (schema.anyOf as Schema[]).some((option) => isValid(value, option));
  const equals = (other: JsonValue): boolean => JSON.stringify(other) === JSON.stringify(value);
  if (schema.enum !== undefined) return (schema.enum as JsonValue[]).some(equals);
  if (schema.const !== undefined) return equals(schema.const);
  const types = [schema.type].flat() as string[];
  return types.some((type) => {
    if (type === "null") return value === null;
    if (type === "integer") return Number.isSafeInteger(value);
    if (type === "array") return Array.isArray(value) && value.every((item) => isValid(item, schema.items as Schema));
    if (type !== "object") return typeof value === type;
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
    const properties = schema.properties as { [name: string]: Schema };
    const missing = (schema.required as string[] | undefined)?.some((name) => !(name in value));
    return (
      !missing && Object.entries(value).every(([name, own]) => name in properties && isValid(own, properties[name]!))
    );
  });
}

test("whatever is written under a random schema is JSON that fits it", () => {
  const random = new Random(11, "schemas");
  let finished = 0;
  for (let i = 0; i < 120; i++) {
    const schema = { ...randomSchema(random, 3), $defs: { tree } };
    const text = write({ kind: "json-schema", schema }, random);
    if (text === undefined) continue;
    finished++;
    assert.ok(isValid(JSON.parse(text) as JsonValue, schema), `${text} does not fit ${JSON.stringify(schema)}`);
  }
  assert.ok(finished > 90, `only ${finished} came to an end`);
});

test("whatever is written as JSON is an object", () => {
  const random = new Random(12, "json");
  let finished = 0;
  for (let i = 0; i < 30; i++) {
    const text = write({ kind: "json" }, random);
    if (text === undefined) continue;
    finished++;
    const value = JSON.parse(text) as JsonValue;
    assert.ok(typeof value === "object" && value !== null && !Array.isArray(value));
  }
  assert.ok(finished > 10, `only ${finished} came to an end`);
});

test("labels are written whole, also where one begins another", () => {
  const labels = ["sport", "sports", "politics & law", "größer"];
  const random = new Random(13, "labels");
  const written = new Set(Array.from({ length: 200 }, () => write({ kind: "labels", labels }, random)));
  assert.deepEqual([...written].sort(), [...labels].sort());
});

/** Whether a text is one that the constraint allows. */
function allows(spec: ConstraintSpec, text: string): boolean {
  let state = new Machine(grammarOf(spec)).start;
  for (const byte of Buffer.from(text)) {
    const next = state.after(byte);
    if (next === null) return false;
    state = next;
  }
  return state.mayEnd;
}

test("texts that are JSON are allowed, others not", () => {
  const schema = { type: ["string", "number", "array"] };
  const spec: ConstraintSpec = { kind: "json-schema", schema };
  const good = ['""', '"a\\u00e9\\n\\"\\\\ä€😀"', "-0.5e-7", "0", "[]", '[1, [true,null], {"a": "b"}]'];
  for (const text of good) assert.ok(allows(spec, text), text);
  const bad = ["", '"', '"\n"', '"\\x"', '"\\ud800"', "01", "1.", ".5", "+1", "[1,]", "[,1]", "true", "{}", "1 "];
  for (const text of bad) assert.ok(!allows(spec, text), text);
  const invalidUtf8 = Buffer.from([0x22, 0xc0, 0x80, 0x22]);
  let state = new Machine(grammarOf(spec)).start;
  state = state.after(invalidUtf8[0]!)!;
  assert.equal(state.after(invalidUtf8[1]!), null);
});

test("what is not supported is refused by name", () => {
  const refused: readonly (readonly [schema: JsonValue, message: RegExp])[] = [
    [{ type: "string", pattern: "a+" }, /"pattern" is not supported/],
    [{ type: "string", minLength: 2 }, /"minLength"/],
    [{ oneOf: [{ type: "string" }] }, /"oneOf"/],
    [{ type: "object", properties: { a: { type: "integer", minimum: 3 } } }, /#\/properties\/a\/minimum/],
    [{ type: "object", additionalProperties: { type: "string" } }, /additionalProperties/],
    [{ $ref: "https://example.com/schema" }, /not inside the schema/],
    [{ $ref: "#/$defs/none" }, /there is no/],
    [{ $ref: "#" }, /refers to itself/],
    [{ type: "text" }, /is no type/],
    [{ type: "object", properties: { a: {} }, required: ["toString"] }, /"toString" is not in properties/],
    [{ type: "object", required: ["a"] }, /"a" is not in properties/],
    [false, /no value fits/],
    [{ $defs: { a: { type: "array", items: { $ref: "#/$defs/a" } } }, enum: [] }, /no value fits/],
    [7, /it is no schema/],
    [Array.from({ length: 300 }).reduce<JsonValue>((inner) => ({ anyOf: [inner] }), true), /too large/],
  ];
  for (const [schema, message] of refused) {
    assert.throws(
      () => grammarOf({ kind: "json-schema", schema }),
      (error) => error instanceof UserError && error.code === "constraint/schema" && message.test(error.message),
      JSON.stringify(schema).slice(0, 200),
    );
  }
});

test("a label must be there, and not empty", () => {
  for (const labels of [[], ["yes", ""]]) {
    assert.throws(() => grammarOf({ kind: "labels", labels }), { code: "constraint/labels" });
  }
});

test("a value that contains itself ends at the deepest place", () => {
  const schema = { $defs: { list: { type: "array", items: { $ref: "#/$defs/list" } } }, $ref: "#/$defs/list" };
  const spec: ConstraintSpec = { kind: "json-schema", schema };
  assert.ok(allows(spec, "[".repeat(16) + "]".repeat(16)));
  assert.ok(!allows(spec, "[".repeat(17) + "]".repeat(17)));
});
