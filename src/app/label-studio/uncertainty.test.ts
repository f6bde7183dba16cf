import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { certainty } from "./uncertainty.ts";

const close = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 1e-12, `${a} ${b}`);

describe("certainty with one label", () => {
  it("margin is the distance of the first to the second", () => {
    close(certainty([0.1, 0.6, 0.3], "margin", undefined), 0.3);
    assert.equal(certainty([0.5, 0.5], "margin", undefined), 0);
  });

  it("entropy is none at the corners and all in the middle", () => {
    close(certainty([1 / 3, 1 / 3, 1 / 3], "entropy", undefined), 0);
    assert.equal(certainty([0, 1, 0], "entropy", undefined), 1);
    // scipy.stats.entropy([0.7, 0.2, 0.1], base=3) = 0.7298466991620975
    close(certainty([0.7, 0.2, 0.1], "entropy", undefined), 1 - 0.7298466991620975);
  });
});

describe("certainty with several labels", () => {
  it("margin is the label closest to its threshold, on either side", () => {
    close(certainty([0.9, 0.4], "margin", [0.5, 0.5]), 0.2);
    close(certainty([0.9, 0.1], "margin", [0.8, 0.5]), 0.5);
    assert.equal(certainty([0.3, 1], "margin", [0.3, 0.5]), 0);
    assert.equal(certainty([1], "margin", [1]), 0);
  });

  it("entropy is the mean of each label's bits", () => {
    // scipy.stats.entropy([0.9, 0.1], base=2) = 0.4689955935892812
    close(certainty([0.5, 0.9], "entropy", [0.5, 0.5]), 1 - (1 + 0.4689955935892812) / 2);
  });
});
