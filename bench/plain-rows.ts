/** Short rows that have nothing in common: what the engine alone is worth. */
import type { Benchmark } from "./harness/benchmark.ts";
import { trainRace } from "./harness/train-race.ts";

export const plainRows: Benchmark = {
  question: "How much faster are training steps on rows of 64 tokens, 16 a batch, with nothing shared?",
  run: (context) => trainRace({ length: 64, shared: 0, targets: { speedup: 2.5 } }, context),
};
