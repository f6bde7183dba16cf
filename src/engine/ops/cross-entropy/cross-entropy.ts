/**
 * Cross-entropy of a linear head, loss[i] = weights[i] · (logsumexp(z) - z[targets[i]]) with z = hidden[i] · Wᵀ, never
 * holding more than a chunk of logits: a chunk's gradient is taken as soon as its loss is there (as in Liger Kernel, Hsu
 * et al. 2024, arXiv 2410.10989). With a soft cap, z is cap · tanh(z / cap). With a focusing parameter γ and smoothing ε,
 * p = softmax(z) and y the target,
 *
 *   loss[i] = weights[i] · ((1 - ε) · (1 - p[y])^γ · -log p[y]  +  ε / vocabulary · Σ -log p)
 *
 * (focal loss, Lin et al. 2017, arXiv 1708.02002; label smoothing, Szegedy et al. 2016, arXiv 1512.00567).
 *
 * Kernel: cross_entropy (loss [rows], logits f32 [rows, vocabulary], dlogits [rows, vocabulary] | null, targets i32
 *   [rows], weights [rows], rows, vocabulary, scale, softcap or 0, gamma, smoothing)
 * dlogits becomes scale · the gradient of loss[i], which without γ and ε is weights[i] · (p - onehot(y)), times the slope of
 * the soft cap. Where activations are f32 it may be the logits themselves; otherwise the logits' contents are undefined
 * afterwards.
 */
import type { DType } from "../../device/device.ts";
import { gradientOf, isRecording, record } from "../../tensor/tape.ts";
import { empty, expectShape, rowCount, rows, type Tensor } from "../../tensor/tensor.ts";
import { matrix, multiplyToInput, multiplyToWeights, weightMatrix } from "../linear/products.ts";
import { forEachLogitChunk } from "./logit-chunks.ts";

export interface LinearCrossEntropyOptions {
  /** Logits are squeezed into ±softcap; 0 or left out: not. */
  readonly softcap?: number | undefined;
  /** γ; default 0. */
  readonly gamma?: number | undefined;
  /** ε; default 0. */
  readonly smoothing?: number | undefined;
  /** Rows whose logits exist at once; by default what suits the device (see logit-chunks). */
  readonly chunkRows?: number;
}

/**
 * The objective is scale · Σ loss[i], and its gradient is computed here, in the forward pass: that of the weight, where
 * it is trainable, is accumulated now, that of `hidden` is kept for the backward pass. The seed that backward is given
 * for the loss is therefore ignored: use every row once, summed.
 * @param hidden [rows, width]
 * @param weight [vocabulary, width], f32 or bf16; trained only in f32
 * @param targets i32 [rows], each below the vocabulary's size (not checked)
 * @param weights [rows]
 * @param scale usually 1 / supervised tokens of the step
 * @returns the losses [rows], weighted but not scaled
 */
export function linearCrossEntropy(
  hidden: Tensor,
  weight: Tensor,
  targets: Tensor,
  weights: Tensor,
  scale: number,
  { softcap = 0, gamma = 0, smoothing = 0, chunkRows }: LinearCrossEntropyOptions = {},
): Tensor {
  const { device } = hidden;
  const count = rowCount(hidden);
  const vocabulary = weight.shape[0]!;
  expectShape("cross-entropy targets", targets, [count]);
  expectShape("cross-entropy weights", weights, [count]);
  const loss = empty(device, [count]);
  const dhidden = isRecording([hidden]) ? empty(device, hidden.shape, hidden.dtype) : undefined;
  const dweight = isRecording([weight]) ? gradientOf(weight) : undefined;
  forEachLogitChunk(hidden, weight, chunkRows, (chunk) => {
    const { begin, end, logits } = chunk;
    const dlogits = dhidden || dweight ? gradientOfLogits(logits, hidden.dtype) : null;
    const [chunkLoss, chunkTargets, chunkWeights] = [loss, targets, weights].map((whole) => rows(whole, begin, end));
    device.launch("cross_entropy", [
      chunkLoss!,
      logits,
      dlogits,
      chunkTargets!,
      chunkWeights!,
      end - begin,
      vocabulary,
      scale,
      softcap,
      gamma,
      smoothing,
    ]);
    if (dlogits === null) return;
    const dy = matrix(dlogits);
    if (dhidden) multiplyToInput(device, matrix(rows(dhidden, begin, end)), [{ dy, weight: weightMatrix(weight) }]);
    if (dweight) multiplyToWeights(device, matrix(chunk.hidden), [{ dy, dweight }]);
  });
  record([loss], [hidden, weight], dhidden ? [dhidden] : [], () => [dhidden]);
  return loss;
}

/** Of the dtype of the activations, as products need it; in place where that is the logits' own. */
function gradientOfLogits(logits: Tensor, dtype: DType): Tensor {
  return dtype === logits.dtype ? logits : empty(logits.device, logits.shape, dtype);
}
