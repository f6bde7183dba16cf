import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { UserError } from "../../base/errors.ts";
import { openSafetensors } from "./safetensors.ts";
import { type TensorToWrite, writeSafetensors } from "./safetensors-write.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-safetensors-"));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, "x.safetensors");

/** From the format's description: a header, six spaces, eleven bytes. */
const GOLDEN = Buffer.concat([
  Buffer.from("c800000000000000", "hex"),
  Buffer.from(
    '{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"c":{"dtype":"F16","shape":[],' +
      '"data_offsets":[8,10]},"a":{"dtype":"I8","shape":[1,1],"data_offsets":[10,11]}}      ',
  ),
  Buffer.from("0000803f000000400042" + "01", "hex"),
]);

const TENSORS: readonly TensorToWrite[] = [
  { name: "a", dtype: "I8", shape: [1, 1], bytes: Uint8Array.of(1) },
  { name: "b", dtype: "F32", shape: [2], bytes: new Uint8Array(Float32Array.of(1, 2).buffer) },
  { name: "c", dtype: "F16", shape: [], bytes: () => Uint8Array.of(0, 0x42) },
];

/** A file with this header and so many bytes of data. */
function fileOf(header: string, dataBytes: number, claimed = Buffer.byteLength(header)): string {
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(claimed));
  writeFileSync(path, Buffer.concat([prefix, Buffer.from(header), Buffer.alloc(dataBytes)]));
  return path;
}

test("the writer produces the reference file byte for byte, the reader reads it back", () => {
  writeSafetensors(path, TENSORS, { format: "pt" });
  assert.deepEqual(readFileSync(path), GOLDEN);
  using file = openSafetensors(path);
  assert.deepEqual([...file.metadata], [["format", "pt"]]);
  assert.deepEqual(file.info("b"), { dtype: "F32", shape: [2], begin: 0, end: 8 });
  assert.deepEqual([...new Float32Array(file.read("b").buffer)], [1, 2]);
  const target = new Uint8Array(5);
  file.readInto("b", 3, target);
  assert.deepEqual([...target], [0x3f, 0, 0, 0, 0x40]);
  assert.throws(() => file.readInto("b", 4, target), RangeError);
  assert.throws(() => file.read("bb"), /no tensor "bb"/);
});

test("names that look like numbers or like prototypes, and empty tensors, survive", () => {
  const names = ["10", "9", "__proto__", "a\u{10000}", "a\uffff", 'quote"\\'];
  writeSafetensors(
    path,
    names.map((name) => ({ name, dtype: "U8", shape: [0, 3], bytes: new Uint8Array(0) })),
    {},
  );
  using file = openSafetensors(path);
  assert.deepEqual([...file.tensors.keys()].sort(), [...names].sort());
  // The reference sorts by bytes of UTF-8, where U+FFFF is before U+10000.
  const header = readFileSync(path, "utf8");
  const places = ["10", "9", "__proto__", "a\uffff", "a\u{10000}"].map((name) => header.indexOf(`"${name}"`));
  assert.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
  );
});

const entry = (shape: string, offsets: string, dtype = "U8"): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;

const INVALID: readonly (readonly [what: string, header: string, dataBytes: number, message: RegExp])[] = [
  ["empty header", "", 0, /does not start with \{/],
  ["not an object", "[]", 0, /does not start with \{/],
  ["broken JSON", '{"a":}', 0, /not JSON/],
  ["unclosed string", '{"a', 0, /ends too early/],
  ["unknown dtype", `{"a":${entry("[1]", "[0,1]", "U9")}}`, 1, /dtype is the string "U9"/],
  ["inherited name as dtype", `{"a":${entry("[1]", "[0,1]", "toString")}}`, 1, /dtype is/],
  ["negative size", `{"a":${entry("[-1]", "[0,1]")}}`, 1, /shape must be/],
  ["fraction", `{"a":${entry("[0.5]", "[0,1]")}}`, 1, /shape must be/],
  ["size beyond exact integers", `{"a":${entry("[9007199254740993]", "[0,1]")}}`, 1, /shape must be/],
  ["product that overflows", `{"a":${entry("[4294967296,4294967296,4294967296]", "[0,1]")}}`, 1, /does not fill/],
  ["shape against bytes", `{"a":${entry("[2]", "[0,1]")}}`, 1, /does not fill/],
  ["half a byte", `{"a":${entry("[3]", "[0,2]", "F4")}}`, 2, /does not fill/],
  ["reversed offsets", `{"a":${entry("[1]", "[1,0]")}}`, 1, /does not fill/],
  ["three offsets", `{"a":${entry("[1]", "[0,1,2]")}}`, 1, /data_offsets must be/],
  ["missing key", '{"a":{"dtype":"U8","shape":[1]}}', 1, /data_offsets must be/],
  ["unknown key", '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}', 1, /unknown key "x"/],
  ["entry that is no object", '{"a":1}', 0, /entry must be an object/],
  ["beyond the file", `{"a":${entry("[5]", "[0,5]")}}`, 4, /ends at byte 5 .* holds only 4/],
  ["overlap", `{"a":${entry("[2]", "[0,2]")},"b":${entry("[2]", "[1,3]")}}`, 3, /overlaps/],
  ["hole", `{"a":${entry("[1]", "[0,1]")},"b":${entry("[1]", "[2,3]")}}`, 3, /bytes 1 to 2 before it/],
  ["bytes left over", `{"a":${entry("[1]", "[0,1]")}}`, 3, /2 bytes at the end/],
  ["a name twice", `{"a":${entry("[1]", "[0,1]")},"a":${entry("[1]", "[0,1]")}}`, 1, /more than once/],
  ["a key twice", '{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1, /more than once/],
  ["metadata of another type", '{"__metadata__":{"x":1}}', 0, /metadata "x" must be a string/],
  ["deep nesting", `{"a":${"[".repeat(100_000)}`, 0, /nested too deeply/],
  ["too many tensors", `{${`"a":{},`.repeat(300_000)}"b":{}}`, 0, /more than 262144 tensors/],
];

for (const [what, header, dataBytes, message] of INVALID) {
  test(`refused: ${what}`, () => {
    assert.throws(
      () => openSafetensors(fileOf(header, dataBytes)),
      (error: unknown) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, message);
        assert.ok(error.where?.includes(path));
        return true;
      },
    );
  });
}

test("a claimed header larger than the file is refused before anything is allocated", () => {
  for (const claimed of [2 ** 53 - 2, 99_000_000, 12]) {
    assert.throws(() => openSafetensors(fileOf("{}", 0, claimed)), /claims a header/);
  }
});

test("every truncation of a valid file is refused", () => {
  for (let size = 0; size < GOLDEN.length; size++) {
    writeFileSync(path, GOLDEN);
    truncateSync(path, size);
    assert.throws(() => openSafetensors(path), UserError);
  }
});

test("missing files and folders are told apart", () => {
  assert.throws(() => openSafetensors(join(folder, "none")), { code: "files/missing" });
  assert.throws(() => openSafetensors(folder), UserError);
});
