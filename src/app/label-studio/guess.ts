import { decisionOf } from "../../tune/train/answers.ts";
import type { LoadedModel } from "../api/load-model.ts";
import type { Prediction } from "../api/predict.ts";
import type { ProjectControl } from "./project.ts";
import { certainty, type Measure } from "./uncertainty.ts";

/** An answer of a model, as a prediction of Label Studio. */
export interface Guess {
  /** How sure the model is, in [0, 1]. */
  readonly score: number;
  readonly result: readonly object[];
}

/** @param model that made the prediction */
export function guessOf(prediction: Prediction, control: ProjectControl, model: LoadedModel, measure: Measure): Guess {
  const { label, labels, probabilities } = prediction;
  const names = Object.keys(probabilities);
  const { answers } = model.artefact;
  const thresholds = labels && decisionOf(answers, names).thresholds;
  const chosen = labels !== undefined && control.several ? labels : [label];
  const value =
    control.kind === "Choices" ? { choices: chosen } : { taxonomy: chosen.map((name) => partsOf(name, control)) };
  const type = control.kind.toLowerCase();
  return {
    score: certainty(Object.values(probabilities), measure, thresholds),
    result: chosen.length === 0 ? [] : [{ from_name: control.name, to_name: control.toName, type, value }],
  };
}

/** Levels of a taxonomy; other labels are one. */
export function partsOf(label: string, { kind }: ProjectControl): readonly string[] {
  return kind === "Taxonomy" ? label.split(" / ") : [label];
}
