/** What the process of a part is told, and what it prints: one JSON object a line, a `Measurement` for each try. */
import type { Method, Shape, Try, Workload } from "./parts.ts";

export interface PartJob {
  /** Folder with the config.json of the real shape; weights are random. */
  readonly model: string;
  readonly shape: Shape;
  readonly method: Method;
  readonly budgetGiB: number | null;
  readonly zeroStage: 0 | 1 | 2;
  /** Files of rows, `{ids: number[][], prompts: number[]}`, by workload. */
  readonly rows: Readonly<Record<Workload, string>>;
  /** Ids of each label's answer. */
  readonly answers: readonly (readonly number[])[];
  readonly tries: readonly Try[];
  readonly rank: number;
  readonly alpha: number;
  readonly learningRate: number;
  readonly warmUp: number;
  readonly steps: number;
  /** Folder for what is worth keeping between parts, such as a checkpoint of random weights. */
  readonly scratch: string;
}

export interface Measurement {
  readonly workload: Workload;
  /** For people: batch, pack, recomputation. */
  readonly setting: string;
  /** Why there are no numbers. */
  readonly failure?: string;
  /** Before anything was loaded. */
  readonly predicted?: { readonly peakBytes: number; readonly stepSeconds: number } | undefined;
  readonly stepSeconds?: readonly number[];
  readonly examplesPerSecond?: number;
  /** Tokens of the data, padding not counted. */
  readonly tokensPerSecond?: number;
  /** Tokens that went through the model. */
  readonly computedPerSecond?: number;
  /** Most bytes held at once by tensors, weights included. */
  readonly peakBytes?: number;
  /** What the card's driver says the process holds at the end. */
  readonly deviceBytes?: number;
  readonly loss?: number;
  /** Share of the card's bf16 peak that the computed products make, attention included. */
  readonly peakShare?: number;
  readonly breakdown?: Breakdown;
}

/** Milliseconds of one step. */
export interface Breakdown {
  readonly step: number;
  readonly products: number;
  readonly attention: number;
  readonly memoryBound: number;
  /** What no kernel ran in. */
  readonly gaps: number;
  readonly launches: number;
  readonly kernels: readonly { readonly name: string; readonly count: number; readonly milliseconds: number }[];
}

/** How good a measurement is, by what its workload is judged by. */
export function speedOf({ workload, examplesPerSecond = 0, tokensPerSecond = 0 }: Measurement): number {
  return workload === "ag-news" ? examplesPerSecond : tokensPerSecond;
}
