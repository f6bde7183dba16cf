import type { ClassHead } from "../../model/families/class-head.ts";
import type { BatchEngine } from "./batch-engine.ts";
import { streamClasses } from "./class-scorer.ts";
import type { ScoreOptions } from "./generation-request.ts";
import { PASS_TOKENS, streamLabels } from "./label-scorer.ts";
import type { Scorers } from "./predict-rows.ts";

/**
 * Scores rows through an engine that others ask too, in the passes that they would take alone, which is what decides the last
 * bits of their scores.
 * @param head undefined where the model answers in its own words
 */
export function engineScorers(engine: BatchEngine, head: ClassHead | undefined, options: ScoreOptions): Scorers {
  return {
    labels: {
      stream: (examples, candidates) =>
        streamLabels(examples, candidates, PASS_TOKENS, (batch) => kept(engine.scoreLabels(batch, options))),
    },
    classes: {
      stream: (rows, ids) =>
        streamClasses(rows, ids, head!, PASS_TOKENS, (texts) => kept(engine.scoreClasses(texts, options))),
    },
  };
}

/** A pass that fails before it is waited for is told when it is. */
function kept<T>(result: Promise<T>): () => Promise<T> {
  result.catch(() => {});
  return () => result;
}
