import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chooseVoteRule, measured } from "./choose-vote-rule.ts";
import { carried, type Vote } from "./vote.ts";

const vote = (tool: string, rule: string): Vote => ({ tool, rule, line: 1 });
const all = new Set<string>();

describe("votes of tools", () => {
  it("count tools, not findings, and none of the rules that are left out", () => {
    const votes = [vote("a", "A1"), vote("a", "A2"), vote("b", "B1")];
    assert.equal(carried(votes, { votes: 2, without: all }).length, 3);
    assert.equal(carried(votes, { votes: 3, without: all }).length, 0);
    assert.equal(carried(votes, { votes: 2, without: new Set(["b B1"]) }).length, 0);
    assert.deepEqual(carried(votes, { votes: 1, without: new Set(["a A1", "a A2"]) }), [vote("b", "B1")]);
    assert.deepEqual(carried(undefined, { votes: 1, without: all }), []);
  });

  it("are measured by the definitions of precision, recall and F1", () => {
    // Said of rows 0, 1, 2; true of 0, 1, 3, 4.
    const votes = [[vote("a", "A1")], [vote("a", "A1")], [vote("a", "A1")], undefined, undefined];
    const { precision, recall, f1 } = measured(votes, [true, true, false, true, true], { votes: 1, without: all });
    assert.deepEqual([precision, recall], [2 / 3, 2 / 4]);
    assert.ok(Math.abs(f1 - 4 / 7) < 1e-12);
  });
});

describe("the rule of voting of a class", () => {
  const noisy = [vote("a", "A1"), vote("b", "B1")];

  it("asks for two tools where one alone is often wrong", () => {
    const votes = [noisy, noisy, [vote("a", "A1")], [vote("b", "B1")], [vote("b", "B1")], undefined];
    const rule = chooseVoteRule(votes, [true, true, false, false, false, false], 2);
    // A1 is right in 2 of 3, B1 in 2 of 4: neither is wrong more often than right.
    assert.deepEqual([rule.votes, [...rule.without], rule.f1], [2, [], 1]);
  });

  it("leaves out a rule that is wrong more often than right, and keeps the tool's other rules", () => {
    const votes = [[vote("a", "A1")], [vote("a", "A1")], [vote("a", "A9")], [vote("a", "A9")], undefined];
    const rule = chooseVoteRule(votes, [true, true, false, false, false], 2);
    assert.deepEqual([rule.votes, [...rule.without], rule.precision, rule.recall], [1, ["a A9"], 1, 1]);
  });

  it("is any tool, nothing left out, where nothing does better", () => {
    const votes = [[vote("a", "A1")], undefined, undefined, undefined];
    const rule = chooseVoteRule(votes, [false, true, true, false], 3);
    assert.deepEqual([rule.votes, [...rule.without], rule.f1], [1, [], 0]);
  });
});
