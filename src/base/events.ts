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
  | { readonly kind: "ledger"; readonly ledger: Ledger };

/** Work in the data against work done; see docs/architecture.md, "Packs". */
export interface Ledger {
  readonly examples: number;
  /** Tokens in the data, each example counted whole. */
  readonly tokens: number;
  /** Tokens that went through the model. */
  readonly tokensComputed: number;
  readonly supervisedTokens: number;
  /** Rows that went through the vocabulary projection. */
  readonly logitRows: number;
  /** FLOPs one example at a time, all rows through the head, would have taken, and those spent. */
  readonly flopsPlain: number;
  readonly flopsComputed: number;
}

export type EventSink = (event: RunEvent) => void;
