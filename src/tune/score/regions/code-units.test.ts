import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { codeUnits } from "./code-units.ts";

describe("statements of code", () => {
  test("go on while a bracket is open; the signature is the anchor, closing brackets say nothing", () => {
    const { units, anchor } = codeUnits(
      [
        "// Pays out.",
        "function withdraw(",
        "  uint amount",
        ") public {",
        '  require(balances[msg.sender] >= amount, "(");',
        "  (bool ok, ) = msg.sender.call{value: amount}(",
        '    ""',
        "  );",
        "",
        "  if (ok) {",
        "    balances[msg.sender] -= amount;",
        "  }",
        "}",
      ].join("\n"),
    );
    assert.deepEqual(anchor, { startLine: 2, endLine: 4 });
    assert.deepEqual(
      units.map(({ startLine, endLine, parts }) => [startLine, endLine, parts.map(({ line }) => line)]),
      [
        [5, 5, [5]],
        [6, 8, [6, 7]],
        [10, 10, [10]],
        [11, 11, [11]],
      ],
    );
  });

  test("a bracket that never closes does not take the rest with it", () => {
    const { units } = codeUnits(`f(\n${"x\n".repeat(30)}`);
    assert.equal(units.length, 30);
  });

  test("a single statement is no anchor", () => {
    assert.deepEqual(codeUnits("x = 1\n"), {
      lines: ["x = 1\n"],
      units: [{ startLine: 1, endLine: 1, parts: [{ line: 1, alone: "x = 1\n" }] }],
      anchor: undefined,
    });
    assert.deepEqual(codeUnits("\n\n").units, []);
  });
});
