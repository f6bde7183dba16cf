/** Contestant: a file becomes packs, as in training. One JSON object on stdout. */
import { readFileSync } from "node:fs";
import { parseRecipe } from "../../src/base/recipe/load.ts";
import { loadChatTemplateIfAny } from "../../src/model/text/chat-template.ts";
import { loadTokenizer } from "../../src/model/text/tokenizer.ts";
import { encodeDataset } from "../../src/tune/data/encode.ts";
import { loadDataset } from "../../src/tune/data/load-dataset.ts";
import { packExamples } from "../../src/tune/data/pack.ts";
import { Plan } from "../../src/tune/train/plan.ts";
import { encoderOf } from "../../src/tune/train/run-data.ts";
import type { DataAnswer, DataJob } from "../data/data-job.ts";
import { newsLabels } from "../data/news-rows.ts";

const { file, model, system, user, threads } = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as DataJob;
const stages: Record<string, number> = {};
const start = performance.now();
let last = start;
const stage = (name: string): void => {
  const now = performance.now();
  stages[name] = (now - last) / 1000;
  last = now;
};

const template = { system, user: `${user}{text}`, assistant: '{"category":"{label}"}', max_length: 1024 };
const { recipe } = parseRecipe(JSON.stringify({ base: "m", data: { train: "t", labels: newsLabels }, template }), "r");
const { packing, training, seed } = recipe;
const dataset = await loadDataset([file], { ...recipe, name: "train" }, () => {});
stage("read");
const encoder = encoderOf(recipe, loadChatTemplateIfAny(model), loadTokenizer(model));
const options = { maxLength: 1024, tooLong: "cut", cutField: "auto", threads } as const;
const encoded = await encodeDataset(dataset, encoder, options, () => {});
stage("tokenise");
const plan = new Plan(encoded.length, training, seed);
for (let step = 0; step < plan.stepsPerEpoch; step++) {
  for (const batch of plan.at(step).batches) {
    const examples = batch.map((index) => encoded.example(index));
    packExamples(examples, { enabled: packing.enabled, sharePrompts: packing.share_prompts, maxTokens: 8192 });
  }
}
stage("pack");
const { user: userTime, system: systemTime } = process.cpuUsage();
const answer: DataAnswer = {
  rows: encoded.length,
  tokens: encoded.tokens,
  targets: encoded.supervisedTokens,
  seconds: (performance.now() - start) / 1000,
  cpuSeconds: (userTime + systemTime) / 1e6,
  stages,
  peakBytes: process.resourceUsage().maxRSS * 1024,
};
process.stdout.write(`${JSON.stringify(answer)}\n`);
