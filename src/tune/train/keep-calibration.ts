/** A run that ends once more, as `--resume` of a finished one does, keeps what `fettle calibrate` chose for its weights. */
import { existsSync } from "node:fs";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { type ClassifierFile, readClassifier } from "./classifier-file.ts";
import { hashWeights } from "./hash-weights.ts";

/**
 * `classifier` as training made it, or with what was chosen for the same weights afterwards; either is told.
 * @param before folder of the result that is about to be replaced, if there is one
 * @param now folder of the new result
 */
export async function keepCalibration(
  classifier: ClassifierFile,
  before: string,
  now: string,
  onEvent: EventSink,
): Promise<ClassifierFile> {
  const held = existsSync(before) ? readIfWhole(before) : undefined;
  if (held?.chosen_on?.by !== "calibrate") return classifier;
  const { thresholds, temperature, positive_label = null, costs = null, chosen_on } = held;
  const what = `what \`fettle calibrate\` chose on ${chosen_on.data}`;
  const isSame =
    held.labels.join("\n") === classifier.labels.join("\n") && (await hashWeights(before)) === (await hashWeights(now));
  if (!isSame) {
    const message = `${what} is given up: it was for other weights than the run ends with now; calibrate again`;
    onEvent({ kind: "note", level: "warning", message });
    return classifier;
  }
  onEvent({ kind: "note", level: "info", message: `${what} is kept: the weights are the same` });
  return { ...classifier, thresholds, temperature, positive_label, costs, chosen_on };
}

/** What is damaged is replaced, as it would be without calibration. */
function readIfWhole(folder: string): ClassifierFile | undefined {
  try {
    return readClassifier(folder);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
