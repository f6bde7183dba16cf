import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AgreementCounter } from "./agreement.ts";

/** Answers of four people to 200 tasks, some left out, by a linear congruential generator. */
function answers(): (number | undefined)[][] {
  let state = 12345;
  const draw = (n: number): number => {
    state = (Math.imul(1103515245, state) + 12345) & 0x7fffffff;
    return (state >>> 16) % n;
  };
  return Array.from({ length: 200 }, () => {
    const truth = draw(3);
    return Array.from({ length: 4 }, () => {
      if (draw(10) < 3) return undefined;
      return draw(10) < 7 ? truth : draw(3);
    });
  });
}

function agreementOf(rows: readonly (readonly (number | undefined)[])[]) {
  const counter = new AgreementCounter();
  for (const row of rows) {
    counter.add(row.flatMap((answer, person) => (answer === undefined ? [] : [[`${person}`, `${answer}`] as const])));
  }
  return counter.result();
}

const close = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 1e-12, `${a} ${b}`);

describe("agreement", () => {
  it("alpha is that of krippendorff 0.9.0, with answers left out", () => {
    const found = agreementOf(answers())!;
    close(found.alpha!, 0.44944561732739075);
    assert.deepEqual([found.annotators, found.kappa], [4, null]);
  });

  it("kappa is scikit-learn 1.9.1's cohen_kappa_score, for two", () => {
    const both = answers()
      .map(([first, second]) => [first, second])
      .filter((row) => !row.includes(undefined));
    const found = agreementOf(both)!;
    assert.equal(found.tasks, 97);
    close(found.kappa!, 0.48586572438162545);
    close(found.alpha!, 0.4881459455115327);
    close(found.pairwise, 0.6597938144329897);
  });

  it("nothing to tell apart, and nothing to compare", () => {
    assert.deepEqual(agreementOf([[1, 1]]), { tasks: 1, annotators: 2, pairwise: 1, kappa: null, alpha: null });
    assert.equal(agreementOf([[1, undefined]]), undefined);
  });
});
