/** Runs with trackers: what they are told, and that none of them changes or stops a run. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type RecipeInput, train } from "../../src/app/api/train.ts";
import { UserErrors } from "../../src/base/errors.ts";
import type { RunEvent } from "../../src/base/events.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import type { RunResult } from "../../src/tune/train/start-run.ts";
import { fettleJson } from "../helpers/cli.ts";
import { JsonServer } from "../helpers/json-server.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-trackers-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const base = join(scratch, "base");
let plain: RunResult;
before(async () => {
  writeSmallModel(base);
  plain = (await tracked("plain", {})).result;
});

interface Tracked {
  readonly result: RunResult;
  readonly notes: readonly string[];
}

async function tracked(
  name: string,
  trackers: NonNullable<RecipeInput["trackers"]>,
  { stopAt, resume = false }: { readonly stopAt?: number; readonly resume?: boolean } = {},
): Promise<Tracked> {
  const recipe: RecipeInput = {
    base,
    ...{ method: "lora", lora: { r: 4 }, trackers },
    data: { train: join(packageRoot, "examples/ag-news/train.jsonl"), validation: { fraction: 0.2 }, limit: 60 },
    training: { num_train_epochs: 1, batch_size: 4, logging_steps: 2 },
    evaluation: { eval_steps: 6 },
    checkpoints: { save_steps: 4 },
  };
  const notes: string[] = [];
  const stop = new AbortController();
  const onEvent = (event: RunEvent): void => {
    if (event.kind === "note") notes.push(`${event.level}: ${event.message}`);
    if (event.kind === "step" && event.step === stopAt) stop.abort();
  };
  const result = await train(recipe, { output: join(scratch, name), resume, signal: stop.signal, onEvent });
  return { result, notes };
}

function warnings({ notes }: Tracked): string[] {
  return notes.filter((note) => note.startsWith("warning"));
}

describe("TensorBoard", () => {
  test("lies in the run folder, names what it follows, and changes no bit of the weights", async () => {
    const one = await tracked("tensorboard", { tensorboard: {} });
    assert.equal(one.result.weightsSha256, plain.weightsSha256);
    assert.deepEqual(warnings(one), []);
    const folder = join(scratch, "tensorboard/tensorboard");
    const [file, ...more] = readdirSync(folder);
    assert.equal(more.length, 0);
    const text = readFileSync(join(folder, file!), "latin1");
    for (const name of ["train/loss", "eval/macro_f1", "eval/f1/Sports", "system/cpu", "training.batch_size"]) {
      assert.ok(text.includes(name), name);
    }
    assert.ok(text.includes(plain.weightsSha256!));
  });

  test("goes on in the same folder when the run does", async () => {
    await tracked("resumed", { tensorboard: {} }, { stopAt: 6 });
    const { result, notes } = await tracked("resumed", { tensorboard: {} }, { resume: true });
    assert.equal(result.weightsSha256, plain.weightsSha256);
    assert.equal(readdirSync(join(scratch, "resumed/tensorboard")).length, 2);
    assert.match(notes.join("\n"), /TensorBoard: goes on in/);
  });

  test("a folder that cannot be made costs one warning, not the run", async () => {
    writeFileSync(join(scratch, "a-file"), "");
    const one = await tracked("no-folder", { tensorboard: { folder: join(scratch, "a-file") } });
    assert.equal(one.result.weightsSha256, plain.weightsSha256);
    assert.equal(warnings(one).length, 1);
    assert.match(warnings(one)[0]!, /TensorBoard cannot be told of this run: ENOTDIR/);
    assert.match(one.notes.at(-1)!, /was not told of \d+ points/);
  });
});

describe("W&B", () => {
  test("a folder for wandb sync, which is made anew under the same id when the run goes on", async () => {
    await tracked("wandb", { wandb: { tags: ["x"] } }, { stopAt: 6 });
    const path = join(scratch, "wandb/wandb");
    const [folder] = readdirSync(path);
    assert.match(folder!, /^offline-run-\d{8}_\d{6}-[0-9a-z]{8}$/);
    const one = await tracked("wandb", { wandb: { tags: ["x"] } }, { resume: true });
    assert.equal(one.result.weightsSha256, plain.weightsSha256);
    assert.deepEqual(warnings(one), []);
    assert.deepEqual(readdirSync(path), [folder]);
    const text = readFileSync(join(path, folder!, `run-${folder!.slice(-8)}.wandb`), "latin1");
    for (let step = 2; step <= 12; step += 2)
      assert.equal(text.split(`_step\x82\x01${lengthOf(step)}${step}`).length, 3);
    assert.ok(text.includes(plain.weightsSha256!));
  });

  test("online is refused by name", async () => {
    const trackers = { wandb: { mode: "online" } } as const;
    await assert.rejects(tracked("online", trackers), (error) => {
      assert.ok(error instanceof UserErrors);
      assert.match(error.errors[0]!.message, /trackers\.wandb\.mode online/);
      return true;
    });
  });
});

/** Of the number as text, as a byte. */
function lengthOf(value: number): string {
  return String.fromCharCode(String(value).length);
}

describe("a server", () => {
  test("that is down costs one warning, not the run", async () => {
    const one = await tracked("down", { mlflow: { uri: "http://127.0.0.1:9" }, tensorboard: {} });
    assert.equal(one.result.weightsSha256, plain.weightsSha256);
    assert.equal(warnings(one).length, 1);
    assert.match(warnings(one)[0]!, /MLflow cannot be told of this run: http:\/\/127\.0\.0\.1:9 does not answer/);
    assert.equal(readdirSync(join(scratch, "down/tensorboard")).length, 1);
  });

  test("that refuses the key is left alone, and no key is told or written, even if it says it", async () => {
    process.env.MLFLOW_TRACKING_TOKEN = "s3cret-token";
    try {
      await using server = await JsonServer.start(({ authorization }) => [403, { message: `bad: ${authorization}` }]);
      const one = await tracked("refused", { mlflow: { uri: server.address } });
      assert.equal(one.result.weightsSha256, plain.weightsSha256);
      assert.equal(server.requests.length, 1);
      assert.equal(server.requests[0]!.authorization, "Bearer s3cret-token");
      assert.equal(warnings(one).length, 1);
      assert.match(warnings(one)[0]!, /403: bad: Bearer …/);
      for (const entry of readdirSync(join(scratch, "refused"), { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const text = readFileSync(join(entry.parentPath, entry.name), "latin1");
        assert.ok(!text.includes("s3cret"), entry.name);
      }
    } finally {
      delete process.env.MLFLOW_TRACKING_TOKEN;
    }
  });
});

test("a tracker that is given as null is an error, not off", async () => {
  const path = join(scratch, "null.yaml");
  writeFileSync(path, `base: ${base}\ndata: {train: x.jsonl}\ntrackers:\n  tensorboard:\n`);
  const { error } = await fettleJson(["train", path], 2);
  assert.match(JSON.stringify(error), /trackers\.tensorboard/);
});
