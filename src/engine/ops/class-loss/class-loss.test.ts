/** Against torch.nn.functional in float64 (torch 2.13.0), and the focal losses by their formulas. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { Device } from "../../device/device.ts";
import { openDevice, openReferenceDevice } from "../../open-device.ts";
import { scope } from "../../tensor/scope.ts";
import { Tape } from "../../tensor/tape.ts";
import { fromHost, type Tensor, toFloats } from "../../tensor/tensor.ts";
import { sigmoidLoss, softmaxLoss } from "./class-loss.ts";

interface Outcome {
  readonly loss: number;
  readonly gradient: readonly number[];
}

/** The scaled sum of the losses, and its gradient by the logits. */
function outcomeOf(
  device: Device,
  logits: readonly number[],
  shape: readonly [number, number],
  scale: number,
  lossesOf: (logits: Tensor, place: (values: readonly number[], shape?: readonly number[]) => Tensor) => Tensor,
): Outcome {
  return scope(() => {
    const tape = new Tape();
    const place = (values: readonly number[], of = [values.length] as readonly number[]): Tensor =>
      fromHost(device, Float32Array.from(values), of);
    const z = place(logits, shape);
    tape.track(z);
    const losses = tape.run(() => lossesOf(z, place));
    const loss = toFloats(losses).reduce((sum, value) => sum + value, 0) * scale;
    const [gradient] = tape.backward([[losses, losses]], [z]);
    return { outcome: { loss, gradient: [...toFloats(gradient!)] } };
  }).outcome;
}

function assertClose({ loss, gradient }: Outcome, expected: Outcome): void {
  assert.ok(Math.abs(loss - expected.loss) < 1e-6, `loss ${loss}, expected ${expected.loss}`);
  gradient.forEach((value, i) => {
    assert.ok(Math.abs(value - expected.gradient[i]!) < 1e-6, `gradient ${gradient}, expected ${expected.gradient}`);
  });
}

/** Cross-entropy of targets 0 and 1; the mean is over what the weights of the two rows' classes sum to. */
const softmax: readonly (Outcome & {
  readonly name: string;
  readonly classWeights?: readonly number[];
  readonly gamma?: number;
  readonly smoothing?: number;
})[] = [
  {
    name: "cross_entropy",
    loss: 1.288725992000333,
    gradient: [-0.1673795221, 0.1223642355, 0.0450152866, 0.0210050331, -0.4429024003, 0.4218973672],
  },
  {
    name: "cross_entropy with class weights",
    classWeights: [1, 2, 3],
    loss: 1.5824326678523173,
    gradient: [-0.1115863481, 0.081576157, 0.0300101911, 0.0280067108, -0.5905365337, 0.562529823],
  },
  {
    name: "cross_entropy with label smoothing",
    smoothing: 0.1,
    loss: 1.3220593253336665,
    gradient: [-0.1340461888, 0.1056975689, 0.0283486199, 0.0043383664, -0.409569067, 0.4052307006],
  },
  {
    name: "cross_entropy with both",
    classWeights: [1, 2, 3],
    smoothing: 0.1,
    loss: 1.6293528666671302,
    gradient: [-0.0671894273, 0.0675115505, -0.0003221232, 0.0168955996, -0.5460920893, 0.5291964897],
  },
  {
    name: "focal loss",
    gamma: 2,
    loss: 0.8741238961959433,
    gradient: [-0.0491438974, 0.0359270678, 0.0132168296, 0.0257023928, -0.5419487524, 0.5162463596],
  },
];

/** Of logits -1, 0.5, 2 and answers 1, 0, 1. */
const sigmoid: readonly (Outcome & {
  readonly name: string;
  readonly positive: readonly number[];
  readonly negative: readonly number[];
  readonly gamma: number;
})[] = [
  {
    name: "binary_cross_entropy_with_logits with pos_weight",
    positive: [2, 3, 0.5],
    negative: [1, 1, 1],
    gamma: 0,
    loss: 1.221354788246013,
    gradient: [-0.4873723858, 0.2074864437, -0.0198671537],
  },
  {
    name: "torchvision's sigmoid_focal_loss",
    positive: [0.25, 0.25, 0.25],
    negative: [0.75, 0.75, 0.75],
    gamma: 2,
    loss: 0.15299222240207122,
    gradient: [-0.0640195603, 0.1315379555, -0.0004059117],
  },
];

for (const device of [openReferenceDevice(), (await openDevice({ device: "cpu" })).device]) {
  describe(`losses of classifiers, ${device.name}`, () => {
    after(() => device.close());
    for (const { name, classWeights = [1, 1, 1], gamma = 0, smoothing = 0, ...expected } of softmax) {
      test(name, () => {
        const scale = 1 / (classWeights[0]! + classWeights[1]!);
        const outcome = outcomeOf(device, [2, 1, 0, 0, 1, 3], [2, 3], scale, (logits, place) =>
          softmaxLoss(logits, {
            targets: fromHost(device, Int32Array.of(0, 1)),
            weights: place([1, 1]),
            classWeights: place(classWeights),
            scale,
            gamma,
            smoothing,
          }),
        );
        assertClose(outcome, expected);
      });
    }

    for (const { name, positive, negative, gamma, ...expected } of sigmoid) {
      test(name, () => {
        const outcome = outcomeOf(device, [-1, 0.5, 2], [1, 3], 1, (logits, place) =>
          sigmoidLoss(logits, {
            targets: place([1, 0, 1], [1, 3]),
            weights: place([1]),
            positive: place(positive),
            negative: place(negative),
            scale: 1,
            gamma,
          }),
        );
        assertClose(outcome, expected);
      });
    }

    test("a sure answer costs nothing, a sure mistake a finite loss; gradients are numbers", () => {
      for (const gamma of [0, 0.5, 1, 2]) {
        const { loss, gradient } = outcomeOf(device, [200, -200, 200, -200], [2, 2], 1, (logits, place) =>
          softmaxLoss(logits, {
            targets: fromHost(device, Int32Array.of(0, 1)),
            weights: place([1, 1]),
            classWeights: place([1, 1]),
            scale: 1,
            gamma,
            smoothing: 0,
          }),
        );
        assert.equal(loss, 400);
        assert.deepEqual(gradient, [0, 0, 1, -1]);
      }
    });
  });
}
