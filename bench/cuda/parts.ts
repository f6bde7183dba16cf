/** What `npm run bench -- cuda` measures: one line a part, each run in a process of its own. */

export type Workload = "ag-news" | "plain-2048" | "plain-2048-quarter";
export type Method = "lora" | "qlora" | "full";
export type Shape = "qwen2.5-7b" | "qwen3-0.6b";

/** One setting that a part tries; its best one counts. */
export interface Try {
  readonly workload: Workload;
  /** Examples of an optimizer step; of a forward pass where labels are scored. */
  readonly batch: number;
  /** Fettle: tokens of a pack, chosen by memory where absent. Peers: tokens of a packed row; padded where absent. */
  readonly maxTokens?: number;
  /** Peers: recompute activations in the backward pass. Fettle chooses by its budget. */
  readonly recompute?: boolean;
}

/** What a part's best measurement should reach. */
export interface Target {
  readonly examplesPerSecond?: number;
  readonly tokensPerSecond?: number;
  readonly peakGiB?: number;
}

export interface Part {
  readonly name: string;
  readonly title: string;
  /** File that runs it: a module of `bench/cuda`, or a Python script of `bench/peer`. */
  readonly program:
    | "measure-training.js"
    | "measure-scoring.js"
    | "cuda_peft.py"
    | "cuda_unsloth.py"
    | "cuda_generate.py";
  readonly shape: Shape;
  readonly method: Method;
  /** Bytes of the card that Fettle may take, in GiB. */
  readonly budgetGiB?: number;
  /** Cards that a step is divided among; default 1. */
  readonly gpus?: number;
  /** Full fine-tuning on several cards: what is divided among them. */
  readonly zeroStage?: 0 | 1 | 2;
  readonly tries: readonly Try[];
  readonly target?: Target;
  /** After these many seconds the process is ended; what it has printed counts. */
  readonly timeout: number;
}

const agNews = (...batches: readonly number[]): Try[] => batches.map((batch) => ({ workload: "ag-news", batch }));

const plain = (batch: number, maxTokens: number): Try => ({ workload: "plain-2048", batch, maxTokens });

const fettle: readonly Part[] = [
  {
    name: "lora",
    title: "workload 1, LoRA",
    program: "measure-training.js",
    shape: "qwen2.5-7b",
    method: "lora",
    tries: agNews(64, 128, 256),
    target: { examplesPerSecond: 300 },
    timeout: 90,
  },
  {
    name: "lora-20gib",
    title: "workload 1, LoRA within 20 GiB",
    program: "measure-training.js",
    shape: "qwen2.5-7b",
    method: "lora",
    budgetGiB: 20,
    tries: agNews(64, 128, 256),
    target: { examplesPerSecond: 180, peakGiB: 20 },
    timeout: 80,
  },
  {
    name: "qlora",
    title: "workload 1, QLoRA within 8 GiB",
    program: "measure-training.js",
    shape: "qwen2.5-7b",
    method: "qlora",
    budgetGiB: 8,
    tries: agNews(64, 128),
    target: { examplesPerSecond: 150, peakGiB: 8 },
    timeout: 80,
  },
  {
    name: "full",
    title: "workload 1, full",
    program: "measure-training.js",
    shape: "qwen2.5-7b",
    method: "full",
    budgetGiB: 60,
    tries: agNews(64, 128),
    target: { peakGiB: 60 },
    timeout: 80,
  },
  {
    name: "score",
    title: "workload 1, label scoring",
    program: "measure-scoring.js",
    shape: "qwen2.5-7b",
    method: "lora",
    tries: [
      { workload: "ag-news", batch: 64, maxTokens: 8192 },
      { workload: "ag-news", batch: 216, maxTokens: 16_384 },
    ],
    target: { examplesPerSecond: 600 },
    timeout: 60,
  },
  {
    name: "long-lora",
    title: "workload 2, LoRA",
    program: "measure-training.js",
    shape: "qwen2.5-7b",
    method: "lora",
    tries: [plain(4, 8192), plain(8, 8192), { workload: "plain-2048-quarter", batch: 4, maxTokens: 8192 }],
    target: { tokensPerSecond: 19_000 },
    timeout: 90,
  },
  {
    name: "long-qlora",
    title: "workload 2, QLoRA",
    program: "measure-training.js",
    shape: "qwen2.5-7b",
    method: "qlora",
    tries: [plain(4, 8192), plain(8, 16_384)],
    timeout: 90,
  },
  {
    name: "small-lora",
    title: "workload 3, LoRA",
    program: "measure-training.js",
    shape: "qwen3-0.6b",
    method: "lora",
    tries: agNews(64, 128, 256),
    timeout: 60,
  },
];

const peers: readonly Part[] = [
  {
    name: "peft",
    title: "workload 1, LoRA, transformers + PEFT",
    program: "cuda_peft.py",
    shape: "qwen2.5-7b",
    method: "lora",
    tries: [
      { workload: "ag-news", batch: 16 },
      { workload: "ag-news", batch: 16, maxTokens: 4608 },
      { workload: "ag-news", batch: 32, recompute: true },
    ],
    timeout: 75,
  },
  {
    name: "peft-long",
    title: "workload 2, LoRA, transformers + PEFT",
    program: "cuda_peft.py",
    shape: "qwen2.5-7b",
    method: "lora",
    tries: [
      { workload: "plain-2048", batch: 2 },
      { workload: "plain-2048", batch: 4, recompute: true },
    ],
    timeout: 60,
  },
  {
    name: "peft-small",
    title: "workload 3, LoRA, transformers + PEFT",
    program: "cuda_peft.py",
    shape: "qwen3-0.6b",
    method: "lora",
    tries: [
      { workload: "ag-news", batch: 32 },
      { workload: "ag-news", batch: 64 },
      { workload: "ag-news", batch: 64, maxTokens: 17_408 },
    ],
    timeout: 60,
  },
  {
    name: "unsloth-lora",
    title: "workloads 1 and 2, LoRA, Unsloth + TRL",
    program: "cuda_unsloth.py",
    shape: "qwen2.5-7b",
    method: "lora",
    tries: [
      { workload: "ag-news", batch: 8, maxTokens: 2048, recompute: true },
      { workload: "ag-news", batch: 2, maxTokens: 2048 },
      { workload: "plain-2048", batch: 4, maxTokens: 2048, recompute: true },
      { workload: "plain-2048", batch: 2, maxTokens: 2048 },
    ],
    timeout: 180,
  },
  {
    name: "unsloth-qlora",
    title: "workloads 1 and 2, QLoRA, Unsloth + TRL",
    program: "cuda_unsloth.py",
    shape: "qwen2.5-7b",
    method: "qlora",
    tries: [
      { workload: "ag-news", batch: 8, maxTokens: 2048, recompute: true },
      { workload: "plain-2048", batch: 4, maxTokens: 2048, recompute: true },
    ],
    timeout: 180,
  },
  {
    name: "unsloth-small",
    title: "workload 3, LoRA, Unsloth + TRL",
    program: "cuda_unsloth.py",
    shape: "qwen3-0.6b",
    method: "lora",
    tries: [
      { workload: "ag-news", batch: 8, maxTokens: 2048 },
      { workload: "ag-news", batch: 16, maxTokens: 2048 },
    ],
    timeout: 100,
  },
  {
    name: "generate",
    title: "workload 1, labels by generation, transformers",
    program: "cuda_generate.py",
    shape: "qwen2.5-7b",
    method: "lora",
    tries: [
      { workload: "ag-news", batch: 64 },
      { workload: "ag-news", batch: 128 },
    ],
    timeout: 60,
  },
];

/** The same steps on one card and divided among two; not among those that are run by default. */
const scaling: readonly Part[] = [1, 2].flatMap((gpus): Part[] => {
  const common = { program: "measure-training.js", shape: "qwen2.5-7b", gpus, timeout: 90 } as const;
  return [
    {
      ...common,
      name: `lora-${gpus}`,
      title: `workload 1, LoRA, GPUs: ${gpus}`,
      method: "lora",
      tries: agNews(256, 512),
    },
    {
      ...common,
      name: `long-lora-${gpus}`,
      title: `workload 2, LoRA, GPUs: ${gpus}`,
      method: "lora",
      tries: [plain(8, 8192), plain(16, 8192)],
    },
  ];
});

/** Full fine-tuning divided among two cards. */
const zero: readonly Part[] = ([0, 1, 2] as const).map((zeroStage) => ({
  name: `full-zero-${zeroStage}`,
  title: `workload 1, full, GPUs: 2, ZeRO ${zeroStage}`,
  program: "measure-training.js",
  shape: "qwen2.5-7b",
  method: "full",
  budgetGiB: 60,
  gpus: 2,
  zeroStage,
  tries: agNews(128),
  timeout: 90,
}));

/** Names of several parts at once. */
export const groups: Readonly<Record<string, readonly Part[]>> = { fettle, peers, scaling, zero };

export const parts: readonly Part[] = [...fettle, ...peers];

/** Whether Fettle runs it. */
export function isOwn({ program }: Part): boolean {
  return program.endsWith(".js");
}
