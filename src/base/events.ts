/**
 * What a run says about itself. Training and scoring only emit; the CLI draws, `metrics.jsonl` keeps, trackers and
 * the dashboard read. One line of `metrics.jsonl` is one event.
 */
export type RunEvent =
  /** A choice made for the user, with its reason: `precision bf16 (auto: amx_bf16)`. */
  | { readonly kind: "choice"; readonly name: string; readonly value: string; readonly reason: string }
  | { readonly kind: "note"; readonly level: "info" | "warning"; readonly message: string }
  | {
      readonly kind: "progress";
      readonly task: string;
      readonly done: number;
      readonly total: number;
      readonly unit: string;
      /** Short live figures beside the bar, e.g. `{ loss: "0.412", "examples/s": "310" }`. */
      readonly figures?: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: "step";
      readonly step: number;
      readonly epoch: number;
      readonly loss: number;
      readonly gradNorm: number;
      readonly learningRate: number;
      readonly examplesPerSecond: number;
      readonly tokensPerSecond: number;
      readonly seconds: number;
      /** Of the whole run so far: tokens in the data, and those that went through the model. */
      readonly tokens: number;
      readonly tokensComputed: number;
    }
  | {
      readonly kind: "evaluation";
      readonly step: number;
      readonly metrics: Readonly<Record<string, number>>;
      /** Of a set with labels: how well each is told apart, by its name. */
      readonly labels?: Readonly<Record<string, LabelStanding>>;
      /** The same few rows at each evaluation. */
      readonly samples?: readonly Sample[];
    }
  | ({ readonly kind: "system" } & SystemUse)
  | { readonly kind: "checkpoint"; readonly step: number; readonly path: string; readonly best: boolean }
  | { readonly kind: "ledger"; readonly ledger: Ledger }
  /** Before the first step, and after the last. */
  | { readonly kind: "forecast"; readonly forecast: Forecast }
  | { readonly kind: "measurement"; readonly measured: Taken };

/** Precision, recall and F1 of one label against all others, and in how many rows it is true. */
export interface LabelStanding {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly support: number;
}

/** A row and what the model says to it. */
export interface Sample {
  /** Its beginning. */
  readonly text: string;
  /** Empty: none is true, or none is known. */
  readonly truth: readonly string[];
  readonly given: readonly string[];
  /** [labels] by name, the most probable first; at most five. */
  readonly probabilities: Readonly<Record<string, number>>;
}

/** What the process and its cards were busy with since the last such event. */
export interface SystemUse {
  /** Of training, as in step events. */
  readonly seconds: number;
  /** Share of the processor time of all cores that the process took, 0 to 1. */
  readonly cpu: number;
  /** Of the process, in the machine's memory, now. */
  readonly memoryBytes: number;
  /** Held by tensors on the device that trains, now. */
  readonly deviceBytes: number;
  /** NVIDIA cards that the process can see; empty where there are none. */
  readonly gpus: readonly GpuUse[];
}

export interface GpuUse {
  /** Share of the time in which a kernel ran, 0 to 1. */
  readonly utilization: number;
  /** Of all processes. */
  readonly memoryBytes: number;
  readonly celsius: number;
  readonly watts: number;
}

/** What a run takes of a device. */
export interface Taken {
  /** Most bytes of device memory held at once while training. */
  readonly peakBytes: number;
  /** Of all steps, validation and checkpoints included where it was measured. */
  readonly seconds: number;
}

/** What a run is expected to take, and under which choices. */
export interface Forecast extends Taken {
  /** A card's name, or `this machine`. */
  readonly device: string;
  /** Bytes by part; together they are the peak. */
  readonly memory: Readonly<
    Record<"base" | "adapter" | "gradients" | "optimizer" | "activations" | "working" | "workspace", number>
  >;
  /** What may be taken. */
  readonly budgetBytes: number;
  readonly fits: boolean;
  /** Such as `frozen bf16 weights`. */
  readonly weights: string;
  /** What the backward pass computes again. */
  readonly recompute: string;
  /** Most tokens of a pack. */
  readonly maxTokens: number;
  /** Tokens that go through the model, on average. */
  readonly tokensPerStep: number;
  readonly packsPerStep: number;
  readonly secondsPerStep: number;
  readonly steps: number;
}

/** Work in the data against work done; see docs/architecture.md, "Packs". */
export interface Ledger {
  readonly examples: number;
  /** Tokens in the data, each example counted whole. */
  readonly tokens: number;
  /** Tokens that went through the model. */
  readonly tokensComputed: number;
  readonly supervisedTokens: number;
  /** Rows that went through the head: the vocabulary projection, or a class head. */
  readonly logitRows: number;
  /** FLOPs one example at a time, all rows through the head, would have taken, and those spent. */
  readonly flopsPlain: number;
  readonly flopsComputed: number;
}

export type EventSink = (event: RunEvent) => void;
