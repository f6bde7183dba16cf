import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type JsonRequest, JsonServer } from "../../../tests/helpers/json-server.ts";
import { Mlflow } from "./mlflow.ts";
import type { TrackerSecrets } from "./track-message.ts";
import { Refusal, type TrackedRun } from "./tracker.ts";

const nobody: TrackerSecrets["mlflow"] = { token: undefined, username: undefined, password: undefined };
const run: TrackedRun = { folder: "/runs/a", name: "a", config: { seed: 42, threads: "auto" }, time: 5, firstStep: 1 };

/** What an MLflow server answers. */
function answer({ path }: JsonRequest): readonly [number, object] {
  if (path.includes("get-by-name")) return [404, { error_code: "RESOURCE_DOES_NOT_EXIST", message: "none" }];
  if (path.endsWith("experiments/create")) return [200, { experiment_id: "7" }];
  if (path.endsWith("runs/create")) return [200, { run: { info: { run_id: "abc" } } }];
  return [200, {}];
}

function tracker(server: JsonServer, who: Partial<typeof nobody> = {}): Mlflow {
  return new Mlflow({ uri: `${server.address}/`, experiment: "tests" }, { mlflow: { ...nobody, ...who } });
}

describe("MLflow", () => {
  test("makes the experiment and the run, with the recipe as parameters", async () => {
    await using server = await JsonServer.start(answer);
    const { kept, where } = await tracker(server, { token: "t0p" }).open(run, undefined);
    assert.deepEqual(kept, { experiment: "7", run: "abc" });
    assert.equal(where, `${server.address}/#/experiments/7/runs/abc`);
    assert.ok(server.requests.every(({ authorization }) => authorization === "Bearer t0p"));
    const params = [
      { key: "seed", value: "42" },
      { key: "threads", value: "auto" },
    ];
    assert.deepEqual(JSON.parse(server.requests.at(-1)!.body), { run_id: "abc", params });
  });

  test("numbers that JSON has none of, names of any kind, a thousand in a request at most", async () => {
    await using server = await JsonServer.start(answer);
    const mlflow = tracker(server);
    await mlflow.open(run, { experiment: "7", run: "abc" });
    const values = { "eval/f1/C#": 0.5, "eval/f1/C+": Number.NaN, "eval/f1/../x": 1 };
    await mlflow.write([{ kind: "evaluation", step: 3, time: 9, values }]);
    const { metrics } = JSON.parse(server.requests.at(-1)!.body);
    assert.deepEqual(metrics[1], { key: metrics[1].key, value: "NaN", timestamp: 9, step: 3 });
    const keys: string[] = metrics.map(({ key }: { key: string }) => key);
    assert.equal(new Set(keys).size, 3);
    for (const key of keys) assert.match(key, /^[\w\-. :/]+$/);
    assert.ok(!keys.some((key) => key.split("/").includes("..")));

    const before = server.requests.length;
    const points = Array.from(
      { length: 1500 },
      (_, i) => ({ kind: "step", step: i, time: i, values: { x: i } }) as const,
    );
    await mlflow.write(points);
    const sizes = server.requests.slice(before).map(({ body }) => JSON.parse(body).metrics.length);
    assert.deepEqual(sizes, [1000, 500]);
  });

  test("a key that is not taken is a refusal, a server in trouble is not", async () => {
    await using closed = await JsonServer.start(() => [401, { message: "who are you?" }]);
    await assert.rejects(tracker(closed).open(run, undefined), (error) => {
      assert.ok(error instanceof Refusal);
      assert.match(error.message, /401: who are you\?; set MLFLOW_TRACKING_TOKEN/);
      return true;
    });
    await using broken = await JsonServer.start(() => [503, {}]);
    await assert.rejects(tracker(broken).open(run, undefined), (error) => !(error instanceof Refusal));
  });

  test("a run that was deleted is not begun again in silence", async () => {
    await using server = await JsonServer.start(() => [404, {}]);
    await assert.rejects(tracker(server).open(run, { experiment: "7", run: "abc" }), /no run abc any more/);
  });
});
