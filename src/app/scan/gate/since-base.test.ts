import assert from "node:assert/strict";
import { test } from "node:test";
import { finding } from "../scan-result.cases.ts";
import { isOfChange } from "./since-base.ts";

const changed = [{ start: 10, end: 12 }];
const at = (startLine: number, endLine: number) => finding({ region: { startLine, endLine, by: "lines-left-out" } });
const whole = finding({ region: { startLine: 1, endLine: 99, by: "whole-text" } });

test("lines that the change touches are of the change, others are what was there before", () => {
  assert.equal(isOfChange(at(12, 20), changed, [at(12, 20)]), true);
  assert.equal(isOfChange(at(1, 10), changed, [at(1, 10)]), true);
  assert.equal(isOfChange(at(1, 9), changed, [at(1, 9)]), false);
});

test("a label that the file did not have before is of the change, wherever it is found", () => {
  assert.equal(isOfChange(at(1, 9), changed, []), true);
  assert.equal(isOfChange(at(1, 9), changed, [finding({ label: "unpinned base" })]), true);
  assert.equal(isOfChange({ ...at(1, 9), unit: "f" }, changed, [{ ...at(1, 9), unit: "g" }]), true);
});

test("a finding of a whole text is of the change only where it is new", () => {
  assert.equal(isOfChange(whole, changed, [whole]), false);
  assert.equal(isOfChange(whole, changed, []), true);
});
