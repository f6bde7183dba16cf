/** The library does what the command line does, by the package's own name. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { evaluate, generate, loadModel, predict, type RunEvent, train, UserError, UserErrors } from "fettle";
import { packageRoot } from "../../src/base/package-root.ts";
import { fettleJson } from "../helpers/cli.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-library-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const agNews = join(packageRoot, "examples/ag-news");
const base = join(scratch, "small");
const output = join(scratch, "run");
const data = [join(agNews, "test.jsonl")];
const events: RunEvent[] = [];

before(async () => {
  writeSmallModel(base);
  const recipe = { base, data: { train: join(agNews, "train.jsonl"), limit: 40 }, training: { batch_size: 8 } };
  const run = await train(recipe, { output, onEvent: (event) => events.push(event) });
  assert.equal(run.status, "finished");
  assert.equal(run.folder, output);
});

test("training tells its choices, its losses and its ledger", () => {
  const kinds = new Set(events.map(({ kind }) => kind));
  for (const kind of ["choice", "progress", "step", "checkpoint", "ledger"]) assert.ok(kinds.has(kind as never), kind);
});

test("evaluate gives the figures of `fettle eval`", async () => {
  using model = await loadModel(output);
  const { seconds: _seconds, examplesPerSecond: _rate, ...found } = await evaluate(model, { data, limit: 30 });
  const printed = await fettleJson(["eval", output, "--data", ...data, "--limit", "30"], 0);
  for (const [name, value] of Object.entries(found)) assert.deepEqual(printed[name], value, name);
});

test("predict and generate", async () => {
  using model = await loadModel(output);
  const rows: number[] = [];
  for await (const { row } of predict(model, { texts: ["Stocks fell", "A late goal"] })) rows.push(row);
  assert.deepEqual(rows, [1, 2]);
  let tokens = 0;
  for await (const { tokenId } of generate(model, { prompt: "Hello", maxNewTokens: 5 })) {
    assert.ok(Number.isInteger(tokenId));
    tokens++;
  }
  assert.ok(tokens > 0 && tokens <= 5);
});

test("mistakes are UserErrors, all of a recipe's at once", async () => {
  const wrong = { base, data: { train: "nowhere.jsonl" }, training: { batch_size: 0, learning_rate: -1 } };
  await assert.rejects(
    async () => train(wrong),
    (error) => error instanceof UserErrors && error.errors.length === 2,
  );
  await assert.rejects(loadModel(scratch), UserError);
});
