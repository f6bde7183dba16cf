/** One launch for all products of a kind, so that a device that packs x for its products packs it once. */
import { empty } from "../../tensor/tensor.ts";
import { plainWeight, type Way } from "./group.ts";
import { multiplyByB } from "./low-rank.ts";
import {
  columnsOf,
  type ForwardProduct,
  type InputProduct,
  matrix,
  multiplyForward,
  multiplyToInput,
  weightMatrix,
} from "./products.ts";

export const together: Way = {
  forward({ x, members, ranks }, outputs) {
    const sharing: ForwardProduct[] = members.map(({ weight, bias }, i) => ({
      weight: plainWeight(weight),
      y: matrix(outputs[i]!),
      bias,
    }));
    for (const { a, input, begin, end } of ranks?.runs ?? []) {
      const product = { weight: weightMatrix(a), y: columnsOf(ranks!.h, begin, end) };
      if (input === x) sharing.push(product);
      else multiplyForward(x.device, matrix(input), [product]);
    }
    multiplyForward(x.device, matrix(x), sharing);
    if (ranks) multiplyByB(ranks, members, outputs, true);
  },

  gradientOfX({ x, members, ranks }, gradients, dh) {
    const products = members.flatMap(({ weight }, i): InputProduct[] => {
      const dy = gradients[i];
      return dy === undefined ? [] : [{ dy: matrix(dy), weight: plainWeight(weight) }];
    });
    for (const { a, input, begin, end } of ranks?.runs ?? []) {
      if (input === x) products.push({ dy: columnsOf(dh!, begin, end), weight: weightMatrix(a) });
    }
    const dx = empty(x.device, x.shape, x.dtype);
    multiplyToInput(x.device, matrix(dx), products);
    return dx;
  },
};
