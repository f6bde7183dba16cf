/** Answers in words, from training to numbers: what is written is compared with what rows expect. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type AnswersResult, evaluateAnswers } from "../../src/app/api/evaluate-answers.ts";
import { generate } from "../../src/app/api/generate.ts";
import { loadModel } from "../../src/app/api/load-model.ts";
import { writeReport } from "../../src/app/api/report.ts";
import { train } from "../../src/app/api/train.ts";
import { inspectRun } from "../../src/app/inspect/inspect-run.ts";
import { fettleJson } from "../helpers/cli.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-answers-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

function rowsFile(name: string, rows: readonly (readonly [asked: string, answer: string])[]): string {
  const path = join(scratch, `${name}.jsonl`);
  const lines = rows.map(([asked, answer]) =>
    JSON.stringify({
      messages: [
        { role: "user", content: asked },
        { role: "assistant", content: answer },
      ],
    }),
  );
  writeFileSync(path, lines.join("\n"));
  return path;
}

test("a model that learnt one answer writes it, and the numbers say so", async () => {
  writeSmallModel(join(scratch, "small"));
  const learnt = rowsFile(
    "train",
    Array.from({ length: 32 }, (_, i) => [`What is ${i}?`, "A number."] as const),
  );
  const test = rowsFile("test", [
    ["What is 50?", "A number."],
    ["What is 51?", "the number"],
    ["What is blue?", "Something else"],
  ]);
  const recipe = join(scratch, "recipe.yaml");
  const training = "training: {num_train_epochs: 6, batch_size: 8, learning_rate: 2e-2}";
  writeFileSync(recipe, `base: small\nmethod: full\ndata: {train: ${learnt}, test: ${test}}\n${training}\n`);
  const run = join(scratch, "run");
  await train(recipe, { output: run });

  const lines = join(scratch, "answers.jsonl");
  const words = ["eval", run, "--compare", "--max-new-tokens", "20", "--predictions", lines];
  const evaluated = (await fettleJson(words, 0)) as unknown as AnswersResult & { base: AnswersResult; of: string };
  assert.deepEqual([evaluated.of, evaluated.rows, evaluated.unfinished], ["answers", 3, 0]);
  assert.equal(evaluated.metrics.exact_match!.value, 1 / 3);
  assert.equal(evaluated.metrics.squad_exact_match!.value, 2 / 3, "SQuAD's leaves articles and marks out");
  assert.ok(evaluated.metrics.chrf!.value > evaluated.base.metrics.chrf!.value);
  assert.equal(evaluated.worst[0]!.expected, "Something else");

  const written = readFileSync(lines, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { prompt: string; answer: string; expected: string });
  assert.deepEqual(
    written.map(({ answer }) => answer),
    ["A number.", "A number.", "A number."],
  );
  {
    using model = await loadModel(run);
    let text = "";
    for await (const piece of generate(model, { prompt: written[0]!.prompt, maxNewTokens: 20 })) text += piece.text;
    assert.equal(text, "A number.", "it is asked as `fettle generate` asks");
  }
  await writeReport([run]);
  const page = readFileSync(join(run, "report.html"), "utf8");
  assert.match(page, /Written answers/);
  assert.match(page, /Something else/);
  assert.equal((await inspectRun(run)).evaluation, null);
  const gate = await fettleJson(["eval", run, "--min-accuracy", "0.5"], 2);
  assert.equal((gate.error as { code: string }).code, "evaluate/no-labels");

  const texts = join(scratch, "texts.jsonl");
  writeFileSync(texts, '{"text": "only a text"}\n{"text": "and another"}\n');
  using model = await loadModel(join(scratch, "small"));
  await assert.rejects(evaluateAnswers(model, { data: [texts] }), { code: "score/no-answers" });
});
