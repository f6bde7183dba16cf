/** What a contestant is told to do: the same file for Fettle (`bench/fettle`) and for the peer (`bench/peer`). */
export interface Job {
  /** Folder of the model that both load. */
  readonly model: string;
  readonly threads: number;
  /** What products are rounded to; Fettle is given `auto`, as its users are. */
  readonly precision: "auto" | "f32" | "bf16";
  /** Batches, used in turn; a batch is rows of token ids. */
  readonly batches: readonly (readonly (readonly number[])[])[];
}

export interface TrainJob extends Job {
  readonly method: "lora" | "full";
  /** The last tokens of a row, on which the loss is taken. */
  readonly supervised: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly maxGradNorm: number;
  /** Of LoRA, on all linear layers. */
  readonly rank: number;
  readonly alpha: number;
}

export interface ScoreJob extends Job {
  /** Token ids of each label and the end of turn after it. */
  readonly labels: readonly (readonly number[])[];
}
