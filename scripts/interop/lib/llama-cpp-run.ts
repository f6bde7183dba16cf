/** A process that asks llama.cpp: `LlamaCppTasks` on standard input, a `LlamaCppAnswer` for each on the last line of its output. */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { LlamaCppAnswer, LlamaCppTasks } from "./llama-cpp.ts";

/** What is used of node-llama-cpp. */
interface NodeLlamaCpp {
  getLlama(options: object): Promise<{ loadModel(options: object): Promise<LlamaModel> }>;
}
interface LlamaModel {
  dispose(): Promise<void>;
  tokenize(text: string, specialTokens: boolean): number[];
  createContext(options: object): Promise<{ getSequence(): LlamaSequence; dispose(): Promise<void> }>;
}
interface LlamaSequence {
  controlledEvaluate(
    input: readonly (readonly [number, object])[],
  ): Promise<readonly ({ next: { logits?: ReadonlyMap<number, number> } } | undefined)[]>;
}

const { entry, tasks }: LlamaCppTasks = JSON.parse(readFileSync(0, "utf8"));
const { getLlama }: NodeLlamaCpp = await import(pathToFileURL(entry).href);
const llama = await getLlama({ gpu: false, build: "never", progressLogs: false, logLevel: "error" });
const answers: LlamaCppAnswer[] = [];
for (const { model: modelPath, sequences, texts, output } of tasks) {
  const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
  const shapes = await writeLogits(model, sequences, output);
  answers.push({ shapes, tokens: texts.map((text) => [...model.tokenize(text, true)]) });
  await model.dispose();
}
console.log(JSON.stringify(answers));
process.exit(0);

async function writeLogits(
  model: LlamaModel,
  sequences: readonly (readonly number[])[],
  path: string,
): Promise<[number, number][]> {
  const shapes: [number, number][] = [];
  const file = openSync(path, "w");
  for (const tokens of sequences) {
    const context = await model.createContext({
      contextSize: Math.max(256, tokens.length),
      batchSize: Math.max(256, tokens.length),
      flashAttention: false,
      experimentalKvCacheKeyType: "F32",
      experimentalKvCacheValueType: "F32",
      swaFullCache: true,
    });
    const asked = tokens.map((token) => [token, { generateNext: { logits: true } }] as const);
    let vocabulary = 0;
    for (const result of await context.getSequence().controlledEvaluate(asked)) {
      const logits = result?.next.logits ?? new Map<number, number>();
      vocabulary = logits.size;
      const row = new Float32Array(vocabulary);
      for (const [token, logit] of logits) row[token] = logit;
      writeSync(file, new Uint8Array(row.buffer));
    }
    shapes.push([tokens.length, vocabulary]);
    await context.dispose();
  }
  closeSync(file);
  return shapes;
}
