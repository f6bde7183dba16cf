/**
 * Losses of a classifier's logits z [rows, labels], with their gradients, all in f32.
 *
 *   softmax, one label y a row (p = softmax(z), w the class weights):
 *     loss = weight · ((1 - ε) · w[y] · (1 - p[y])^γ · -log p[y]  +  ε / labels · Σ w[c] · -log p[c])
 *   sigmoid, each label its own question with answer t from 0 to 1 (p = σ(z)):
 *     loss = weight / labels · Σ positive[c] · t · (1 - p)^γ · -log p  +  negative[c] · (1 - t) · p^γ · -log(1 - p)
 *
 * γ is the focusing parameter of the focal loss (Lin et al. 2017, arXiv 1708.02002), ε label smoothing (Szegedy et al.
 * 2016, arXiv 1512.00567) as in torch.nn.CrossEntropyLoss. With γ = 0 these are cross-entropy and, `positive` being
 * PyTorch's pos_weight, BCEWithLogitsLoss.
 *
 * Kernels; dlogits becomes scale · the gradient of the row's loss:
 *   class_loss_softmax (loss [rows], dlogits [rows, labels] | null, logits [rows, labels], targets i32 [rows],
 *                       weights [rows], class weights [labels], rows, labels, scale, gamma, smoothing)
 *   class_loss_sigmoid (loss [rows], dlogits [rows, labels] | null, logits [rows, labels], targets [rows, labels],
 *                       weights [rows], positive [labels], negative [labels], rows, labels, scale, gamma)
 */
import { isRecording, record } from "../../tensor/tape.ts";
import { empty, expectShape, type Tensor } from "../../tensor/tensor.ts";

export interface SoftmaxLossOptions {
  /** i32 [rows], each below the number of labels (not checked) */
  readonly targets: Tensor;
  /** [rows] */
  readonly weights: Tensor;
  /** [labels] */
  readonly classWeights: Tensor;
  readonly scale: number;
  readonly gamma: number;
  readonly smoothing: number;
}

/**
 * The objective is scale · Σ loss[i]. Its gradient is computed here, in the forward pass, so that the seed that backward
 * is given for the loss is ignored: use every row once, summed.
 * @param logits f32 [rows, labels]
 * @returns [rows], weighted but not scaled
 */
export function softmaxLoss(
  logits: Tensor,
  { targets, weights, classWeights, scale, gamma, smoothing }: SoftmaxLossOptions,
): Tensor {
  const [rows, labels] = sizesOf(logits, weights);
  expectShape("class-loss targets", targets, [rows]);
  expectShape("class-loss class weights", classWeights, [labels]);
  return launch("class_loss_softmax", logits, [targets, weights, classWeights], [scale, gamma, smoothing]);
}

export interface SigmoidLossOptions {
  /** [rows, labels], from 0 to 1 */
  readonly targets: Tensor;
  /** [rows] */
  readonly weights: Tensor;
  /** [labels] */
  readonly positive: Tensor;
  /** [labels] */
  readonly negative: Tensor;
  readonly scale: number;
  readonly gamma: number;
}

/** As `softmaxLoss`, with every label on its own. */
export function sigmoidLoss(
  logits: Tensor,
  { targets, weights, positive, negative, scale, gamma }: SigmoidLossOptions,
): Tensor {
  const [rows, labels] = sizesOf(logits, weights);
  expectShape("class-loss targets", targets, [rows, labels]);
  for (const factors of [positive, negative]) expectShape("class-loss weights of labels", factors, [labels]);
  return launch("class_loss_sigmoid", logits, [targets, weights, positive, negative], [scale, gamma]);
}

function sizesOf(logits: Tensor, weights: Tensor): [rows: number, labels: number] {
  const [rows, labels] = logits.shape as [number, number];
  if (logits.dtype !== "f32") throw new Error(`class-loss: logits are f32, not ${logits.dtype}`);
  expectShape("class-loss weights", weights, [rows]);
  return [rows, labels];
}

function launch(kernel: string, logits: Tensor, inputs: readonly Tensor[], numbers: readonly number[]): Tensor {
  const { device, shape } = logits;
  const [rows, labels] = shape as [number, number];
  const loss = empty(device, [rows]);
  const dlogits = isRecording([logits]) ? empty(device, shape) : undefined;
  device.launch(kernel, [loss, dlogits ?? null, logits, ...inputs, rows, labels, ...numbers]);
  record([loss], [logits], dlogits ? [dlogits] : [], () => [dlogits]);
  return loss;
}
