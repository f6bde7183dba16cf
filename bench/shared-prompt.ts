/** Rows that begin with the same instructions, as classification data does: what packs are worth on top. */
import type { Benchmark } from "./harness/benchmark.ts";
import { trainRace } from "./harness/train-race.ts";

export const sharedPrompt: Benchmark = {
  question: "How much faster are training steps on rows of 256 tokens, 16 a batch, of which 192 are the same in all?",
  run: (context) => trainRace({ length: 256, shared: 192, targets: { speedup: 8 } }, context),
};
