/** From the hidden states of a pack's rows to the loss of each row: of the tokens that follow, or of a class head's labels. */
import type { ForwardMode } from "../../engine/nn/linear.ts";
import { sigmoidLoss, softmaxLoss } from "../../engine/ops/class-loss/class-loss.ts";
import { linearCrossEntropy } from "../../engine/ops/cross-entropy/cross-entropy.ts";
import { fromHost, type Tensor } from "../../engine/tensor/tensor.ts";
import type { ClassHead } from "../../model/families/class-head.ts";
import type { Decoder } from "../../model/families/decoder.ts";
import type { Pack } from "../data/pack.ts";
import { pooled } from "../score/pooled.ts";

export interface ObjectiveInput extends ForwardMode {
  readonly pack: Pack;
  /** Whether the hidden states are those of the pack's rows alone, or of all its tokens. */
  readonly rowsOnly: boolean;
  /** What gradients are multiplied by. */
  readonly scale: number;
}

/** @param hidden [rows or tokens, hidden] @returns the losses, weighted but not scaled, which sum to the pack's */
export type Objective = (hidden: Tensor, input: ObjectiveInput) => Tensor;

export interface FocusOptions {
  /** Focusing parameter of the focal loss; 0 is cross-entropy. */
  readonly gamma: number;
  /** Share of the target that is spread over all tokens or labels. */
  readonly smoothing: number;
}

const plain: FocusOptions = { gamma: 0, smoothing: 0 };

/** Cross-entropy of the token that follows each row. */
export function nextTokenObjective(
  { head, config, device }: Decoder,
  { gamma, smoothing }: FocusOptions = plain,
): Objective {
  const options = { softcap: config.logitSoftcap, gamma, smoothing };
  return (hidden, { pack, rowsOnly, scale }) => {
    const { targets, weights } = rowsOnly ? pack : everyRow(pack);
    return linearCrossEntropy(hidden, head, fromHost(device, targets), fromHost(device, weights), scale, options);
  };
}

/** Every row through the head, with weight 0 where nothing is taught. */
function everyRow(pack: Pack): Pick<Pack, "targets" | "weights"> {
  const count = pack.tokens.length;
  const targets = new Int32Array(count);
  const weights = new Float32Array(count);
  pack.rows.forEach((row, i) => {
    targets[row] = pack.targets[i]!;
    weights[row] = pack.weights[i]!;
  });
  return { targets, weights };
}

/** One label a row: softmax cross-entropy. @param classWeights [labels] */
export function classObjective(
  head: ClassHead,
  classWeights: Float32Array,
  { gamma, smoothing }: FocusOptions = plain,
): Objective {
  return (hidden, { pack, rowsOnly, scale, dropoutSeed }) => {
    const { device } = hidden;
    return softmaxLoss(head.logits(pooled(hidden, pack, rowsOnly), { dropoutSeed }), {
      targets: fromHost(device, pack.targets),
      weights: fromHost(device, pack.weights),
      classWeights: fromHost(device, classWeights),
      scale,
      gamma,
      smoothing,
    });
  };
}

/** A set of labels a row: binary cross-entropy of every label. @param factors of a label that is there, and one that is not */
export function labelSetObjective(
  head: ClassHead,
  { positive, negative }: { readonly positive: Float32Array; readonly negative: Float32Array },
  { gamma, smoothing }: FocusOptions = plain,
): Objective {
  return (hidden, { pack, rowsOnly, scale, dropoutSeed }) => {
    const { device } = hidden;
    const { labels } = head.config;
    const count = pack.labels!.length;
    const targets = new Float32Array(count * labels).fill(smoothing / 2);
    pack.labels!.forEach((own, row) => {
      for (const label of own) targets[row * labels + label] = 1 - smoothing / 2;
    });
    return sigmoidLoss(head.logits(pooled(hidden, pack, rowsOnly), { dropoutSeed }), {
      targets: fromHost(device, targets, [count, labels]),
      weights: fromHost(device, pack.weights),
      positive: fromHost(device, positive),
      negative: fromHost(device, negative),
      scale,
      gamma,
    });
  };
}
