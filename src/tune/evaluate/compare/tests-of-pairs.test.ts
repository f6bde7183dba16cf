/** Against SciPy 1.17.1 and statsmodels 0.15.0. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { detectableDifference, detectableMeanDifference } from "./detectable-difference.ts";
import { references } from "./fixtures/references.ts";
import { holm } from "./holm.ts";
import { mcnemar } from "./mcnemar.ts";
import { chiSquareTail, normalCdf, normalQuantile } from "./normal.ts";
import { signFlip } from "./sign-flip.ts";

function assertClose(actual: number, expected: number, relative: number, what: string): void {
  const error = Math.abs(actual - expected);
  assert.ok(error <= relative * Math.abs(expected) + 1e-300, `${what}: ${actual} is not ${expected}`);
}

test("the normal distribution is SciPy's, tails included", () => {
  const functions = { cdf: normalCdf, quantile: normalQuantile, chiSquareTail };
  for (const [name, of] of Object.entries(functions) as [keyof typeof functions, (x: number) => number][]) {
    for (const [x, value] of references.normals[name]) assertClose(of(x), value, 1e-11, `${name}(${x})`);
  }
});

test("McNemar's test is statsmodels', exact below 25 discordant rows", () => {
  for (const { onlyA, onlyB, exact, pValue } of references.mcnemars) {
    const found = mcnemar(onlyA, onlyB);
    assert.equal(found.test, exact ? "McNemar exact" : "McNemar chi-square");
    // statsmodels goes past 0 with the correction where both counts are equal; these are as alike as can be.
    assertClose(found.pValue, !exact && onlyA === onlyB ? 1 : pValue, 1e-11, `${onlyA} : ${onlyB}`);
    assert.deepEqual(mcnemar(onlyB, onlyA), found);
  }
});

test("Holm's correction is statsmodels'", () => {
  for (const { pValues, adjusted } of references.holms) {
    for (const [i, p] of holm(pValues).entries()) assertClose(p, adjusted[i]!, 1e-12, `${pValues}`);
  }
  assert.deepEqual(holm([]), []);
});

test("the smallest detectable difference solves Connor's equation", () => {
  for (const { rows, discordance, difference } of references.detectable) {
    assertClose(detectableDifference(rows, discordance)!, difference, 1e-9, `${rows} rows, ${discordance}`);
  }
});

test("few rows can show no difference at all", () => {
  assert.equal(detectableDifference(1, 0), undefined);
  assert.equal(detectableDifference(5, 1), undefined);
  assert.ok(mcnemar(5, 0).pValue > 0.05 && mcnemar(6, 0).pValue < 0.05);
  assert.ok(detectableDifference(6, 0)! < 1);
});

test("the detectable difference of means is 2.80 standard errors", () => {
  assertClose(detectableMeanDifference(0.01)!, 0.028015852, 1e-6, "0.01");
  for (const error of [0, Number.NaN]) assert.equal(detectableMeanDifference(error), undefined);
});

test("flipped signs give SciPy's p-values: all patterns of few, drawn ones of many", () => {
  for (const { differences, exact, pValue } of references.signFlips) {
    const found = signFlip(Float64Array.from(differences));
    assert.equal(found.test, exact ? "sign-flip exact" : "sign-flip");
    // Both sides draw: 20,000 patterns here, 100,000 there.
    if (exact) assertClose(found.pValue, pValue, 1e-12, `${differences.length} differences`);
    else assert.ok(Math.abs(found.pValue - pValue) < 4 * Math.sqrt((pValue * (1 - pValue)) / 16_000));
  }
});

test("no difference, or one, is no evidence", () => {
  assert.equal(signFlip(new Float64Array(100)).pValue, 1);
  assert.equal(signFlip(Float64Array.of(3)).pValue, 1);
  assert.equal(signFlip(new Float64Array(0)).pValue, 1);
});
