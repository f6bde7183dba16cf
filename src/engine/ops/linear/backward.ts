/** The way back through a group of linear layers, from the gradients of its outputs and of h = x·Aᵀ. */
import { gradientOf } from "../../tensor/tape.ts";
import { empty, type Tensor } from "../../tensor/tensor.ts";
import { isTensor, type LinearGroup, type Way } from "./group.ts";
import { columnsOf, matrix, multiplyToInput, multiplyToWeights, type WeightProduct, weightMatrix } from "./products.ts";

/** x first, then whatever else could need a gradient: dropped-out adapter inputs and parameters. */
export function groupInputs({ x, members }: LinearGroup): Tensor[] {
  const dropped = members.flatMap(({ adapter }) => (adapter?.input ? [adapter.input] : []));
  const parameters = members.flatMap(({ weight, bias, adapter }) => [
    ...(isTensor(weight) ? [weight] : []),
    ...(bias ? [bias] : []),
    ...(adapter ? [adapter.a, adapter.b] : []),
  ]);
  return [x, ...dropped, ...parameters];
}

/** What of a group is read on the way back, beside the gradients. */
export function savedOf(group: LinearGroup): Tensor[] {
  return [...groupInputs(group), ...(group.ranks ? [group.ranks.h] : [])];
}

/**
 * Adds to the gradients of weights, biases and A's; those of the B's are left to who knows dh.
 * @param dh undefined where no member has an adapter
 * @param needs which of `groupInputs` need a gradient
 * @returns the gradients of x and of the dropped-out inputs
 */
export function backwardGroup(
  group: LinearGroup,
  way: Way,
  gradients: readonly (Tensor | undefined)[],
  dh: Tensor | undefined,
  needs: readonly boolean[],
): (Tensor | undefined)[] {
  const { x, members } = group;
  const dx = needs[0] ? way.gradientOfX(group, gradients, dh) : undefined;
  const ontoX = members.flatMap(({ weight, bias }, i): WeightProduct[] => {
    const dy = gradients[i];
    if (dy === undefined) return [];
    const dweight = isTensor(weight) && weight.trainable ? gradientOf(weight) : undefined;
    const dbias = bias?.trainable ? gradientOf(bias) : undefined;
    return dweight || dbias ? [{ dy: matrix(dy), dweight, dbias }] : [];
  });
  const adapters = dh && backwardAdapters(group, dh, needs);
  multiplyToWeights(x.device, matrix(x), [...ontoX, ...(adapters?.ontoX ?? [])]);
  return [dx, ...(adapters?.inputGradients ?? [])];
}

interface AdapterGradients {
  /** Products for the A's that read x. */
  readonly ontoX: readonly WeightProduct[];
  /** Of the adapters' own inputs, in the order of the members. */
  readonly inputGradients: readonly (Tensor | undefined)[];
}

function backwardAdapters({ x, ranks }: LinearGroup, dh: Tensor, needs: readonly boolean[]): AdapterGradients {
  const { device } = x;
  const ontoX: WeightProduct[] = [];
  const inputGradients: (Tensor | undefined)[] = [];
  for (const { a, gradient, input, begin, end } of ranks!.runs) {
    const dy = columnsOf(dh, begin, end);
    const dweight = gradient();
    if (input === x) {
      if (dweight) ontoX.push({ dy, dweight });
      continue;
    }
    if (dweight) multiplyToWeights(device, matrix(input), [{ dy, dweight }]);
    const dinput = needs[1 + inputGradients.length] ? empty(device, input.shape, input.dtype) : undefined;
    if (dinput) multiplyToInput(device, matrix(dinput), [{ dy, weight: weightMatrix(a) }]);
    inputGradients.push(dinput);
  }
  return { ontoX, inputGradients };
}
