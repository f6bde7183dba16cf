/** Logits of the same token sequences, on both sides. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openDevice } from "../../../src/engine/open-device.ts";
import { loadLora } from "../../../src/model/families/lora.ts";
import { openModel } from "../../../src/model/families/model.ts";
import type { WeightFormat } from "../../../src/model/families/parameters.ts";
import { packExamples } from "../../../src/tune/data/pack.ts";
import { runPython } from "./python.ts";

/** Logits of one sequence, row-major [tokens, vocabulary]. */
export interface SequenceLogits {
  readonly vocabulary: number;
  readonly values: Float32Array;
}

export interface LogitsOptions {
  readonly adapter?: string | undefined;
  /** Default: f32. */
  readonly format?: WeightFormat | undefined;
}

/** Fettle's, on the CPU in f32. */
export async function fettleLogits(
  folder: string,
  sequences: readonly (readonly number[])[],
  { adapter, format = { kind: "f32" } }: LogitsOptions = {},
): Promise<SequenceLogits[]> {
  const { device } = await openDevice({ device: "cpu", precision: "f32" });
  try {
    using model = openModel(folder, device, { format });
    using _lora = adapter === undefined ? undefined : loadLora(model, adapter).lora;
    const { decoder } = model;
    return sequences.map((tokens) => {
      const example = { ids: Int32Array.from(tokens), supervised: new Uint8Array(tokens.length) };
      const [pack] = packExamples([example], { enabled: false, sharePrompts: false, maxTokens: 4096 });
      return { vocabulary: decoder.config.vocabSize, values: decoder.logits(decoder.hidden(pack!)) };
    });
  } finally {
    device.close();
  }
}

export interface LogitsTask {
  /** Folder. */
  readonly model: string;
  readonly adapter?: string | undefined;
  readonly sequences: readonly (readonly number[])[];
}

/** Those of transformers, with PEFT where there is an adapter: task by task, in one process. */
export function transformersLogits(tasks: readonly LogitsTask[], scratch: string): SequenceLogits[][] {
  const withFiles = tasks.map((task, i) => ({ ...task, output: join(scratch, `transformers-logits-${i}.bin`) }));
  const shapes = runPython<[number, number][][]>("logits.py", withFiles);
  return withFiles.map(({ output }, i) => splitLogits(output, shapes[i]!));
}

/** @param shapes [tokens, vocabulary] of each sequence in the file */
export function splitLogits(file: string, shapes: readonly (readonly [number, number])[]): SequenceLogits[] {
  const bytes = readFileSync(file);
  const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  let begin = 0;
  return shapes.map(([tokens, vocabulary]) => {
    const values = all.subarray(begin, begin + tokens * vocabulary);
    begin += values.length;
    return { vocabulary, values };
  });
}

export interface LogitsDifference {
  /** Of any logit, of the largest less the smallest of its row. */
  readonly worst: number;
  /** Rows whose largest logit is the same token. */
  readonly sameTop: number;
  readonly rows: number;
  /** Of the logarithms of the probabilities: Kullback-Leibler divergence, mean over rows. */
  readonly divergence: number;
}

export function compareLogits(
  expected: readonly SequenceLogits[],
  actual: readonly SequenceLogits[],
): LogitsDifference {
  let [worst, sameTop, rows, divergence] = [0, 0, 0, 0];
  expected.forEach(({ values, vocabulary }, i) => {
    const other = actual[i]!;
    if (other.values.length !== values.length) {
      throw new Error(`${values.length} logits were expected, there are ${other.values.length}`);
    }
    for (let begin = 0; begin < values.length; begin += vocabulary) {
      const wanted = values.subarray(begin, begin + vocabulary);
      const found = other.values.subarray(begin, begin + vocabulary);
      const spread =
        wanted.reduce((most, value) => Math.max(most, value), -Infinity) -
        wanted.reduce((least, value) => Math.min(least, value), Infinity);
      wanted.forEach((value, at) => {
        const difference = Math.abs(value - found[at]!) / spread;
        if (!(difference <= worst)) worst = difference;
      });
      rows++;
      if (topOf(wanted) === topOf(found)) sameTop++;
      divergence += divergenceOf(wanted, found);
    }
  });
  return { worst, sameTop, rows, divergence: divergence / rows };
}

function topOf(row: Float32Array): number {
  return row.reduce((best, value, i) => (value > row[best]! ? i : best), 0);
}

function divergenceOf(wanted: Float32Array, found: Float32Array): number {
  const [p, q] = [logProbabilities(wanted), logProbabilities(found)];
  return p.reduce((sum, value, i) => sum + Math.exp(value) * (value - q[i]!), 0);
}

function logProbabilities(row: Float32Array): Float64Array {
  const largest = row.reduce((most, value) => Math.max(most, value), -Infinity);
  const normaliser = Math.log(row.reduce((sum, value) => sum + Math.exp(value - largest), 0)) + largest;
  return Float64Array.from(row, (value) => value - normaliser);
}
