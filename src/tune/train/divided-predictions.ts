/** Predictions of a set by several processes, each of its own part of the rows. */
import type { ProcessGroup } from "../../engine/device/collective/process-group.ts";
import type { Dataset } from "../data/dataset.ts";
import { type ProblemGroup, Problems } from "../data/problems.ts";
import { type Classifier, predictRows } from "../score/predict-rows.ts";
import type { Prediction } from "../score/prediction.ts";

interface Part {
  readonly predictions: readonly Prediction[];
  readonly problems: readonly ProblemGroup[];
}

/**
 * All predictions in the order of the set, on every process; they are in memory together.
 * @param problems what becomes of rows that are too long
 */
export async function* dividedPredictions(
  classifier: Classifier,
  dataset: Dataset,
  problems: Problems,
  group: ProcessGroup,
): AsyncGenerator<Prediction> {
  const { together } = dataset;
  const units = dataset.length / together;
  const begin = Math.floor((units * group.rank) / group.size);
  const end = Math.floor((units * (group.rank + 1)) / group.size);
  const own = dataset.subset(
    dataset.name,
    Uint32Array.from({ length: (end - begin) * together }, (_, i) => begin * together + i),
    "piece",
  );
  const found = new Problems();
  const predictions: Prediction[] = [];
  for await (const { row, ...answer } of predictRows(classifier, own, found)) {
    const { target, targets, text } = row;
    predictions.push({ ...answer, row: { index: begin + row.index, target, targets, text } });
  }
  const parts = group.gather<Part>({ predictions, problems: found.inOrder() });
  for (const part of parts) problems.merge(part.problems);
  for (const part of parts) yield* part.predictions;
}
