import assert from "node:assert/strict";
import { test } from "node:test";
import { unitsOf } from "./units-of.ts";

test("a Dockerfile is known by what it begins with", () => {
  const isDockerfile = (text: string): boolean =>
    unitsOf(text).units.length === 1 && unitsOf(text).anchor !== undefined;
  const rest = "\nRUN a \\\n  b\n";
  for (const begin of ["FROM x", "# syntax=x\n\nARG V=1\nfrom --platform=$P a:1@sha256:0 as b"]) {
    const { units, anchor } = unitsOf(begin + rest);
    assert.equal(units.at(-1)!.endLine - units.at(-1)!.startLine, 1, begin);
    assert.ok(anchor);
  }
  assert.ok(isDockerfile(`FROM x${rest}`));
  for (const begin of ["from a import b", "from x;", "def f():", ""]) {
    assert.equal(unitsOf(begin + rest).units.at(-1)!.parts[0]!.alone, "  b\n", begin);
  }
});
