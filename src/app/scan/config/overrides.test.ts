import assert from "node:assert/strict";
import { test } from "node:test";
import { UserErrors } from "../../../base/errors.ts";
import { plainDecision } from "../../../tune/score/decision.ts";
import { rules } from "../scan-result.cases.ts";
import { override } from "./overrides.ts";

const labels = rules.map(({ label }) => label);
const none = { severities: {}, thresholds: {}, where: (path: readonly PropertyKey[]) => path.join(".") };

test("severities and thresholds of a repository stand in place of the model's", () => {
  const changed = override(labels, rules, plainDecision(2, true), {
    ...none,
    severities: { "unpinned base": "critical" },
    thresholds: { "runs-as-root": 0.9 },
  });
  assert.deepEqual(changed.decision.thresholds, [0.9, 0.5]);
  assert.deepEqual(
    changed.rules.map(({ severity }) => severity),
    ["high", "critical"],
  );
  const two = override(["clean", "bad"], [], plainDecision(2, false, 1), none);
  assert.equal(two.decision.threshold, undefined);
  const withRule = [{ ...rules[0]!, label: "bad" }];
  const { decision } = override(["clean", "bad"], withRule, plainDecision(2, false, 1), {
    ...none,
    thresholds: { bad: 0.2 },
  });
  assert.equal(decision.threshold, 0.2);
});

test("labels that the model does not have are told together, with the nearest", () => {
  const given = { ...none, severities: { "runs-as-rot": "low" }, thresholds: { __proto__: 0.1, nope: 0.1 } } as const;
  assert.throws(
    () => override(labels, rules, plainDecision(2, true), given),
    (error) => {
      assert.ok(error instanceof UserErrors);
      assert.deepEqual(
        error.errors.map(({ where }) => where),
        ["severity.runs-as-rot", "thresholds.nope"],
      );
      assert.match(error.errors[0]!.fix!, /did you mean "runs-as-root"/);
      return true;
    },
  );
});

test("a threshold where the most probable label is given is refused", () => {
  assert.throws(
    () => override([...labels, "c"], rules, plainDecision(3, false), { ...none, thresholds: { "runs-as-root": 0.9 } }),
    (error) => error instanceof UserErrors && /has no threshold/.test(error.errors[0]!.message),
  );
});
