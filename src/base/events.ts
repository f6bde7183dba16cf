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
    }
  | { readonly kind: "evaluation"; readonly step: number; readonly metrics: Readonly<Record<string, number>> }
  | { readonly kind: "checkpoint"; readonly step: number; readonly path: string; readonly best: boolean }
  | { readonly kind: "ledger"; readonly ledger: Ledger }
  /** Before the first step, and after the last. */
  | { readonly kind: "forecast"; readonly forecast: Forecast }
  | { readonly kind: "measurement"; readonly measured: Taken };

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
