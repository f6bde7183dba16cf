import assert from "node:assert/strict";
import { test } from "node:test";
import * as format from "./format.ts";

const cases: [actual: string, expected: string][] = [
  [format.formatPercent(0.8644), "86.4 %"],
  [format.formatChange(0.594), "+59.4"],
  [format.formatChange(-0.021), "−2.1"],
  [format.formatChange(-0.0004), "0.0"],
  [format.formatInterval([0.832, 0.8945]), "83.2 to 89.5 %"],
  [format.formatCount(52966), "52,966"],
  [format.formatFigure(0.41234), "0.412"],
  [format.formatFigure(99.96), "100"],
  [format.formatFigure(1234.5), "1,235"],
  [format.formatFigure(0.00002), "2.0e-5"],
  [format.formatFigure(0), "0"],
  [format.formatDuration(0.04), "0.0 s"],
  [format.formatDuration(59.7), "1 min 0 s"],
  [format.formatDuration(3599.6), "1 h 0 min"],
  [format.formatDuration(30_960), "8 h 36 min"],
  [format.formatBytes(999), "999 B"],
  [format.formatBytes(1_190_000), "1.19 MB"],
  [format.formatBytes(999_600_000), "1.00 GB"],
  [format.formatFlops(1.24e13), "12.4 TFLOP"],
];
for (const [actual, expected] of cases) {
  test(`writes ${expected}`, () => assert.equal(actual.replaceAll("\u00a0", " "), expected));
}
