/** A process that asks llama.cpp: a `LlamaCppTask` on standard input, a `LlamaCppAnswer` on the last line of its output. */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { LlamaCppAnswer, LlamaCppTask } from "./llama-cpp.ts";

/** What is used of node-llama-cpp. */
interface NodeLlamaCpp {
  getLlama(options: object): Promise<{ loadModel(options: object): Promise<LlamaModel> }>;
}
interface LlamaModel {
  tokenize(text: string, specialTokens: boolean): number[];
  createContext(options: object): Promise<{ getSequence(): LlamaSequence; dispose(): Promise<void> }>;
}
interface LlamaSequence {
  controlledEvaluate(
    input: readonly (readonly [number, object])[],
  ): Promise<readonly ({ next: { logits?: ReadonlyMap<number, number> } } | undefined)[]>;
}

const task: LlamaCppTask = JSON.parse(readFileSync(0, "utf8"));
const { getLlama }: NodeLlamaCpp = await import(pathToFileURL(task.entry).href);
const llama = await getLlama({ gpu: false, build: "never", progressLogs: false, logLevel: "error" });
const model = await llama.loadModel({ modelPath: task.model, gpuLayers: 0 });
const shapes: [number, number][] = [];
const output = openSync(task.output, "w");
for (const tokens of task.sequences) {
  const context = await model.createContext({
    contextSize: Math.max(256, tokens.length),
    batchSize: Math.max(256, tokens.length),
    flashAttention: false,
    experimentalKvCacheKeyType: "F32",
    experimentalKvCacheValueType: "F32",
    swaFullCache: true,
  });
  const asked = tokens.map((token) => [token, { generateNext: { logits: true } }] as const);
  const evaluated = await context.getSequence().controlledEvaluate(asked);
  let vocabulary = 0;
  for (const result of evaluated) {
    const logits = result?.next.logits ?? new Map<number, number>();
    vocabulary = logits.size;
    const row = new Float32Array(vocabulary);
    for (const [token, logit] of logits) row[token] = logit;
    writeSync(output, new Uint8Array(row.buffer));
  }
  shapes.push([tokens.length, vocabulary]);
  await context.dispose();
}
closeSync(output);
const answer: LlamaCppAnswer = { shapes, tokens: task.texts.map((text) => [...model.tokenize(text, true)]) };
console.log(JSON.stringify(answer));
process.exit(0);
