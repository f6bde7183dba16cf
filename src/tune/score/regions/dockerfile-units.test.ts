import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { dockerfileUnits } from "./dockerfile-units.ts";

const ranges = (lines: readonly string[]): (readonly [number, number])[] =>
  dockerfileUnits(`${lines.join("\n")}\n`).units.map(({ startLine, endLine }) => [startLine, endLine]);

// The rules are those of https://docs.docker.com/reference/dockerfile.
describe("instructions of a Dockerfile", () => {
  test("the last FROM is the anchor; comments and blank lines are no instructions", () => {
    const { units, anchor } = dockerfileUnits("# base\nARG V=1\nFROM a:$V AS b\n\nRUN x\nFROM --platform=x c\nCMD y\n");
    assert.deepEqual(anchor, { startLine: 6, endLine: 6 });
    assert.deepEqual(
      units.map(({ startLine, parts }) => [startLine, parts[0]!.alone]),
      [
        [2, "ARG V=1\n"],
        [3, "FROM a:$V AS b\n"],
        [5, "RUN x\n"],
        [7, "CMD y\n"],
      ],
    );
  });

  test("a continued instruction passes over comments and blank lines, and its lines can stand alone", () => {
    const { units } = dockerfileUnits(
      "FROM a\nRUN apt-get update && \\\n  # why\n\n  && apt-get install -y curl; \\ \n  b\nCMD c",
    );
    assert.deepEqual(
      units.map(({ startLine, endLine }) => [startLine, endLine]),
      [
        [2, 6],
        [7, 7],
      ],
    );
    assert.deepEqual(units[0]!.parts, [
      { line: 2, alone: "RUN apt-get update\n" },
      { line: 5, alone: "RUN apt-get install -y curl\n" },
      { line: 6, alone: "RUN b\n" },
    ]);
  });

  test("a comment after the last line of a continued instruction is not part of it", () => {
    assert.deepEqual(ranges(["FROM a", "RUN x \\", "# end", "CMD y"]), [[2, 4]]);
    assert.deepEqual(ranges(["FROM a", "RUN x \\", "  y", "# end", "CMD z"]), [
      [2, 3],
      [5, 5],
    ]);
  });

  test("the escape directive changes what continues a line", () => {
    assert.deepEqual(ranges(["# escape=`", "FROM a", "RUN x `", "  y", "COPY z c:\\", "CMD z"]), [
      [3, 4],
      [5, 5],
      [6, 6],
    ]);
  });

  test("heredocs belong to the instruction that opens them", () => {
    assert.deepEqual(
      ranges(["FROM a", "COPY <<ONE <<-'TWO' /to/", "x", "ONE", "y", "\tTWO", "RUN <<EOF", "RUN z", "EOF", "CMD y"]),
      [
        [2, 6],
        [7, 9],
        [10, 10],
      ],
    );
    assert.deepEqual(ranges(["FROM a", "RUN cat <<EOF > x", "CMD y"]), [
      [2, 2],
      [3, 3],
    ]);
  });

  test("without FROM there is no anchor, and an unfinished instruction ends with the text", () => {
    assert.equal(dockerfileUnits("RUN x\n").anchor, undefined);
    assert.deepEqual(ranges(["RUN x \\", ""]), [[1, 1]]);
    assert.deepEqual(dockerfileUnits(""), { lines: [], units: [], anchor: undefined });
  });

  test("line breaks of Windows", () => {
    const { units, anchor } = dockerfileUnits("FROM a\r\nRUN x \\\r\n  y\r\n");
    assert.deepEqual([anchor?.startLine, units.map(({ endLine }) => endLine)], [1, [3]]);
  });
});
