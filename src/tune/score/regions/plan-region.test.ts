import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { dockerfileUnits } from "./dockerfile-units.ts";
import { absenceRegion } from "./find-regions.ts";
import { leftOut, planRegion, type Ranking, type RegionPlan, rankUnits } from "./plan-region.ts";

/** Log-odds of texts by a formula whose region is known. */
type Formula = (text: string) => number;

const count = (text: string, word: string): number => text.split(word).length - 1;

function planOf(text: string, maxSteps = 64): RegionPlan {
  const units = dockerfileUnits(text);
  return planRegion(units, { startLine: 1, endLine: units.lines.length }, maxSteps);
}

function ranked(text: string, formula: Formula, maxSteps?: number): Ranking {
  const plan = planOf(text, maxSteps);
  return rankUnits(
    plan,
    plan.candidates.map((candidate) => ({ odds: formula(candidate), given: formula(candidate) > 0 })),
  );
}

const text = "FROM a\nCOPY . .\nRUN x && \\\n  curl u | sh && \\\n  y\nEXPOSE 22\nRUN curl v | sh\nCMD z\n";

describe("the region of a label", () => {
  test("is the instruction that raises the log-odds, with the line that does so alone", () => {
    const ranking = ranked(text, (own) => 3 * count(own, "EXPOSE 22") - 1);
    assert.deepEqual(ranking, {
      by: "lines-left-out",
      units: [{ startLine: 6, endLine: 6, line: 6, evidence: 6 }],
    });
  });

  test("is the first of two instructions that each suffice, where leaving out one changes nothing; the other comes next", () => {
    const formula: Formula = (own) => (own.includes("curl") ? 2 : -2);
    const ranking = ranked(text, formula);
    assert.equal(
      formula(leftOut(dockerfileUnits(text), { startLine: 1, endLine: 8 }, { startLine: 3, endLine: 5 })),
      formula(text),
    );
    assert.deepEqual(
      ranking.by === "lines-left-out" &&
        ranking.units.map(({ startLine, endLine, line }) => [startLine, endLine, line]),
      [
        [3, 5, 4],
        [7, 7, 7],
      ],
    );
  });

  test("is the last FROM where that gets the label when all else is left out: nothing shows what is missing", () => {
    const missing = "FROM a AS b\nRUN x\nFROM c\nRUN y\n";
    assert.deepEqual(
      ranked(missing, (own) => 1 - 2 * count(own, "USER")),
      { by: "rest-left-out", anchor: { startLine: 3, endLine: 3 }, odds: 1 },
    );
  });

  test("is the whole text where no line raises the log-odds", () => {
    const together: Formula = (own) => (own.includes("curl u") && own.includes("EXPOSE") ? 1 : -1);
    assert.deepEqual(
      ranked(text, (own) => (count(own, "\n") === 2 ? -5 : together(own))),
      { by: "lines-left-out", units: [] },
    );
  });

  test("is found with fewer beginnings of a long text than it has instructions", () => {
    const long = `FROM a\n${Array.from({ length: 100 }, (_, i) => `RUN x${i}\n`).join("")}`;
    const plan = planOf(long, 8);
    // 2^4 instructions a step: 7 ends of steps, the anchor as their beginning and on its own, 100 lines.
    assert.equal(plan.candidates.length, 7 + 1 + 1 + 100);
    const ranking = ranked(long, (own) => (own.includes("x57\n") ? 4 : -4), 8);
    assert.equal(ranking.by === "lines-left-out" && ranking.units[0]!.startLine, 59);
  });

  test("texts that could not be scored say nothing", () => {
    const plan = planOf(text);
    assert.deepEqual(
      rankUnits(
        plan,
        plan.candidates.map(() => undefined),
      ),
      { by: "lines-left-out", units: [] },
    );
  });

  test("the whole text is the last candidate, and none is blank", () => {
    for (const own of [text, text.trimEnd(), "FROM a", "# only\n\n# comments\n", "RUN x\r\n"]) {
      const { candidates } = planOf(own);
      assert.equal(candidates.at(-1), own);
      assert.ok(candidates.every((candidate) => candidate.trim() !== ""));
    }
    assert.deepEqual(planOf("\n").candidates, []);
  });

  test("of a window is inside it, and read with the anchor outside", () => {
    const units = dockerfileUnits(text);
    const plan = planRegion(units, { startLine: 5, endLine: 7 }, 64);
    assert.deepEqual(plan.candidates, [
      "FROM a\n",
      "FROM a\nRUN y\n",
      "FROM a\nEXPOSE 22\n",
      "FROM a\nRUN curl v | sh\n",
      "  y\n",
      "  y\nEXPOSE 22\n",
      "  y\nEXPOSE 22\nRUN curl v | sh\n",
    ]);
    const odds = [-2, -1, -2, 2, -2, -2, 2].map((own) => ({ odds: own, given: own > 0 }));
    const ranking = rankUnits(plan, odds);
    assert.deepEqual(
      ranking.by === "lines-left-out" &&
        ranking.units.map(({ startLine, endLine, line }) => [startLine, endLine, line]),
      [
        [7, 7, 7],
        [3, 5, 5],
      ],
    );
    assert.equal(leftOut(units, plan.window, { startLine: 3, endLine: 5 }), "EXPOSE 22\nRUN curl v | sh\n");
  });

  test("of something missing is the anchor, without asking; all that was scored where there is none", () => {
    const window = { startLine: 3, endLine: 4 };
    assert.deepEqual(absenceRegion(dockerfileUnits(text), window), { startLine: 1, endLine: 1, by: "absence" });
    assert.deepEqual(absenceRegion(dockerfileUnits("RUN x\n"), window), { ...window, by: "whole-text" });
  });
});
