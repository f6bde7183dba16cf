/** Encoders from rows to answers: trained in full, with adapters and in 4 bits; what is saved answers as what was trained. */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { evaluate } from "../../src/app/api/evaluate.ts";
import { exportModel } from "../../src/app/api/export.ts";
import { generate } from "../../src/app/api/generate.ts";
import { loadModel } from "../../src/app/api/load-model.ts";
import { predict } from "../../src/app/api/predict.ts";
import { type RecipeInput, train } from "../../src/app/api/train.ts";
import { Random } from "../../src/base/random.ts";
import { writeSafetensors } from "../../src/model/files/safetensors-write.ts";
import { openWeights } from "../../src/model/files/weights.ts";
import { writeSmallEncoder } from "../helpers/small-encoder.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-encoders-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const themes: Readonly<Record<string, readonly string[]>> = {
  money: ["stocks", "bank", "rates", "profits"],
  sport: ["team", "goal", "coach", "match"],
  tech: ["chip", "browser", "software", "bug"],
};
const fillers = ["the", "a", "new", "on", "monday", "was", "by", "of", "last", "minute", "fixed", "fell"];
const words = [...Object.values(themes).flat(), ...fillers];

function rowsFile(count: number, seed: number): string {
  const random = new Random(seed);
  const pick = <T>(list: readonly T[]): T => list[random.integer(list.length)]!;
  const lines = Array.from({ length: count }, () => {
    const label = pick(Object.keys(themes));
    const said = Array.from({ length: 3 + random.integer(9) }, () => pick(fillers));
    said.splice(random.integer(said.length), 0, pick(themes[label]!));
    return JSON.stringify({ text: said.join(" "), label });
  });
  const path = join(scratch, `rows-${seed}-${count}.jsonl`);
  writeFileSync(path, lines.join("\n"));
  return path;
}

const bases = Object.fromEntries(["bert", "roberta", "modernbert"].map((type) => [type, join(scratch, type)]));
for (const [type, folder] of Object.entries(bases)) writeSmallEncoder(folder, words, type);

async function predicted(path: string, base?: string): Promise<readonly Readonly<Record<string, number>>[]> {
  using model = await loadModel(path, { base });
  const answers: Readonly<Record<string, number>>[] = [];
  const texts = ["a goal fell in the last minute", "the bank fixed its rates on monday", "bug"];
  for await (const { probabilities } of predict(model, { texts })) answers.push(probabilities);
  return answers;
}

async function accuracy(path: string): Promise<number> {
  using model = await loadModel(path);
  return (await evaluate(model, { data: [rowsFile(60, 2)] })).accuracy;
}

const recipe = (type: string, training: object = {}): RecipeInput => ({
  base: bases[type]!,
  task_type: "SEQ_CLS",
  template: { user: "{text}" },
  data: { train: rowsFile(240, 1), validation: { fraction: 0.1 } },
  training: { num_train_epochs: 6, batch_size: 16, learning_rate: 3e-3, ...training },
});

const saved = (folder: string, file: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(folder, file), "utf8"));

function assertAlike(a: readonly Readonly<Record<string, number>>[], b: typeof a, most: number): void {
  a.forEach((row, i) => {
    for (const [label, p] of Object.entries(row))
      assert.ok(Math.abs(p - b[i]![label]!) <= most, `${p} ${b[i]![label]}`);
  });
}

for (const [type, architecture, modules] of [
  ["bert", "BertForSequenceClassification", ["classifier", "pooler"]],
  ["roberta", "RobertaForSequenceClassification", ["classifier"]],
  ["modernbert", "ModernBertForSequenceClassification", ["classifier", "head"]],
] as const) {
  describe(type, () => {
    test("in full: a checkpoint as transformers writes it, a base again for an adapter, and every choice is told", async () => {
      const told: string[] = [];
      const full = await train(
        { ...recipe(type), method: "full" },
        {
          output: join(scratch, `${type}-full`),
          onEvent: (event) => event.kind === "choice" && told.push(`${event.name}: ${event.value}`),
        },
      );
      for (const choice of ["packing.share_prompts: false", "rows as: plain text", "class head: new"]) {
        assert.ok(told.includes(choice), `${choice} is not among ${told.join("; ")}`);
      }
      assert.equal(told.includes("dropout of the base: off"), type === "bert");
      assert.ok((await accuracy(full.folder)) > 0.7);
      const model = join(full.folder, "model");
      const config = saved(model, "config.json");
      assert.deepEqual(config.architectures, [architecture]);
      assert.deepEqual([config.id2label, config.pad_token_id], [{ 0: "money", 1: "sport", 2: "tech" }, 0]);
      assert.deepEqual(await predicted(model), await predicted(full.folder));

      const again = { ...recipe(type, { num_train_epochs: 1, learning_rate: 1e-9 }), base: model };
      const lora = await train(again, { output: join(scratch, `${type}-again`) });
      assertAlike(await predicted(lora.folder), await predicted(full.folder), 5e-3);
    });

    // RoBERTa's is BERT's under another name.
    if (type === "roberta") return;

    test("an adapter: the head is saved with it, and merged it answers the same", async () => {
      const lora = await train(recipe(type), { output: join(scratch, `${type}-lora`) });
      assert.ok((await accuracy(lora.folder)) > 0.5);
      const taken = join(scratch, `${type}-taken`);
      cpSync(join(lora.folder, "adapter"), taken, { recursive: true });
      const answers = await predicted(lora.folder);
      assert.deepEqual(await predicted(taken, bases[type]), answers);
      const config = saved(taken, "adapter_config.json");
      assert.deepEqual([config.task_type, config.modules_to_save], ["SEQ_CLS", modules]);
      const merged = join(scratch, `${type}-merged`);
      await exportModel(lora.folder, { output: merged, format: "safetensors" });
      assert.deepEqual(saved(merged, "config.json").architectures, [architecture]);
      assertAlike(await predicted(merged), answers, 5e-3);

      const more = { ...recipe(type, { max_steps: 1, learning_rate: 1e-9 }), warm_start: lora.folder };
      assertAlike(
        await predicted((await train(more, { output: join(scratch, `${type}-more`) })).folder),
        answers,
        1e-4,
      );
    });
  });
}

test("4 bits: all but the head and what is no linear layer", async () => {
  const run = await train({ ...recipe("modernbert"), method: "qlora" }, { output: join(scratch, "qlora") });
  assert.ok((await accuracy(run.folder)) > 0.6);
});

test("stopped and resumed: the same bits, the head's with its dropout too", async () => {
  const asked = { ...recipe("bert", { max_steps: 6, logging_steps: 1 }), head: { dropout: 0.2 } };
  const whole = await train(asked, { output: join(scratch, "whole") });
  const output = join(scratch, "stopped");
  const controller = new AbortController();
  const stopped = await train(asked, {
    output,
    signal: controller.signal,
    onEvent: (event) => event.kind === "step" && event.step === 3 && controller.abort(),
  });
  assert.deepEqual([stopped.status, stopped.steps < 6], ["interrupted", true]);
  const resumed = await train(asked, { output, resume: true });
  assert.equal(resumed.weightsSha256, whole.weightsSha256);
});

describe("what an encoder cannot do", () => {
  const fails = (changes: Partial<RecipeInput>, expected: object): Promise<void> =>
    assert.rejects(
      train({ ...recipe("bert"), ...changes }, { output: join(scratch, "wrong"), dryRun: true }),
      expected,
    );

  test("answer in words, share beginnings, have another dense layer", async () => {
    await fails({ task_type: "CAUSAL_LM" }, { code: "train/encoder", fix: /task_type: SEQ_CLS/ });
    await fails({ packing: { share_prompts: true } }, { code: "train/encoder-sharing" });
    await fails({ head: { dense: 8 } }, { code: "train/encoder-head", message: /one of their own/ });
  });

  test("answer with half a head", async () => {
    const half = join(scratch, "half");
    cpSync(join(scratch, "bert-full/model"), half, { recursive: true });
    {
      using weights = openWeights(half);
      const kept = weights.names().filter((name) => !name.includes("pooler"));
      const tensors = kept.map((name) => ({ name, ...weights.info(name), bytes: weights.read(name) }));
      writeSafetensors(join(half, "model.safetensors"), tensors);
    }
    await assert.rejects(loadModel(half), { code: "model/part-of-class-head", message: /bert\.pooler\.dense\.weight/ });
  });

  test("write", async () => {
    await assert.rejects(loadModel(bases.bert!), { code: "model/encoder", fix: /task_type SEQ_CLS/ });
    using model = await loadModel(join(scratch, "bert-full"));
    await assert.rejects(generate(model, { prompt: "hi" }).next(), { code: "generate/classifier" });
  });
});
