/** Many texts in a pack are to a class head what each is on its own: scores, loss and gradients. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import { Random } from "../../src/base/random.ts";
import type { Device } from "../../src/engine/device/device.ts";
import { release, toFloats } from "../../src/engine/tensor/tensor.ts";
import { type ClassHeadOptions, type Model, openModel } from "../../src/model/families/model.ts";
import { countTargets, type EncodedExample, packExamples } from "../../src/tune/data/pack.ts";
import { ClassScorer } from "../../src/tune/score/class-scorer.ts";
import { accumulateGradients, type PackLossOptions } from "../../src/tune/train/loss.ts";
import { classObjective, labelSetObjective, type Objective } from "../../src/tune/train/objective.ts";

const fixture = (path: string): string => join(packageRoot, "tests/fixtures/parity", path);
/** The smallest of the fixtures' vocabularies. */
const vocabulary = 64;

/** Weights of labels that are powers of two: a row's share in the mean is exact. */
const weights = Float32Array.of(1, 2, 0.5, 1, 4);

function textOf(seed: number, length: number): number[] {
  const random = new Random(seed);
  return Array.from({ length }, () => random.integer(vocabulary));
}

/** A beginning that all share; one text that is the beginning of another, two that are the same with other labels. */
function examples(): EncodedExample[] {
  const shared = textOf(0, 37);
  const parts = [[5], [18], [2, 30], [2, 30, 9], [11], [11], [1]];
  const texts = parts.map((own) => [...shared, ...own.flatMap((length) => textOf(length, length))]);
  return [...texts, textOf(99, 3)].map((ids, i) => {
    const label = i % 3;
    return {
      ids: Int32Array.from(ids),
      supervised: Uint8Array.from(ids, (_, at) => (at === ids.length - 1 ? 1 : 0)),
      labels: i === 3 ? [] : [label],
      weight: 1 + (i % 2),
      share: (1 + (i % 2)) * weights[label]!,
    };
  });
}

const alone = { enabled: false, sharePrompts: false, maxTokens: 4096 };
const plain: PackLossOptions = { supervisedRowsOnly: false };

const variants: readonly (readonly [string, typeof alone, PackLossOptions])[] = [
  ["packed", { ...alone, enabled: true }, plain],
  ["packed, shared beginnings", { ...alone, enabled: true, sharePrompts: true }, plain],
  ["packed in several packs", { enabled: true, sharePrompts: true, maxTokens: 90 }, plain],
  ["last tokens only", alone, { supervisedRowsOnly: true }],
  [
    "everything at once",
    { ...alone, enabled: true, sharePrompts: true },
    { supervisedRowsOnly: true, recompute: { cheap: true, fullLayers: 1 } },
  ],
];

interface Subject {
  readonly folder: string;
  readonly head: ClassHeadOptions;
}

const plainHead = { labels: 5, dense: [], activation: "gelu", dropout: 0 } as const;
const decoder = fixture("qwen3/model");
/** An encoder's own head; it shares no beginnings, whatever is asked for. */
const encoder = (name: string): Subject => ({
  folder: fixture(`${name}/classifier`),
  head: { config: plainHead, seed: undefined },
});

const subjects: Readonly<Record<string, Subject>> = {
  "one layer": { folder: decoder, head: { config: plainHead, seed: 1 } },
  "dense layers between": {
    folder: decoder,
    head: { config: { ...plainHead, dense: [24, 16], activation: "relu" }, seed: 1 },
  },
  "an encoder's first token": encoder("roberta"),
  "an encoder with windows": encoder("modernbert"),
  "the mean of an encoder's tokens": encoder("modernbert_switches"),
};

const objectives: Readonly<Record<string, (model: Model) => Objective>> = {
  "one label": ({ classHead }) => classObjective(classHead!, weights, { gamma: 1, smoothing: 0.1 }),
  "a set of labels": ({ classHead }) =>
    labelSetObjective(classHead!, { positive: weights, negative: weights }, { gamma: 2, smoothing: 0.1 }),
};

function lossAndGradients(
  model: Model,
  objective: Objective,
  layout: typeof alone,
  options: PackLossOptions,
): { readonly loss: number; readonly gradients: ReadonlyMap<string, Float32Array> } {
  const all = examples();
  const targets = countTargets(all);
  const { pooling } = model.classHead!.parts;
  let sum = 0;
  for (const pack of packExamples(all, { ...layout, pooling })) {
    sum += accumulateGradients(model.decoder, pack, 1 / targets, { ...options, objective })();
  }
  const { tensors } = model.parameters;
  const gradients = new Map([...tensors].map(([name, { gradient }]) => [name, toFloats(gradient!)]));
  for (const tensor of tensors.values()) {
    release(tensor.gradient!);
    tensor.gradient = undefined;
  }
  return { loss: sum / targets, gradients };
}

/** Of which all but one are left out on slow devices. */
const otherEncoders = ["an encoder's first token", "the mean of an encoder's tokens"];

/** @param tolerance of the loss and the logits, and of each gradient against its norm */
export function testClassHeadExactness(device: Device, tolerance: number): void {
  const left = device.name === "cpu" ? [] : otherEncoders;
  describe(`a class head over packs equals one text at a time, ${device.name}, ${device.precision}`, () => {
    after(() => device.close());
    for (const [headName, { folder, head }] of Object.entries(subjects)) {
      if (left.includes(headName)) continue;
      const open = (): Model => openModel(folder, device, { format: { kind: "f32" }, classHead: head });
      for (const [objectiveName, objectiveOf] of Object.entries(objectives)) {
        test(`${headName}, ${objectiveName}`, () => {
          const before = device.memory().live;
          {
            using model = open();
            for (const tensor of model.parameters.tensors.values()) tensor.trainable = true;
            const objective = objectiveOf(model);
            const expected = lossAndGradients(model, objective, alone, plain);
            for (const [name, layout, options] of variants) {
              const { loss, gradients } = lossAndGradients(model, objective, layout, options);
              assert.ok(Math.abs(loss - expected.loss) <= tolerance * expected.loss, `${name}: ${loss}`);
              for (const [parameter, gradient] of expected.gradients) {
                const error = distance(gradients.get(parameter)!, gradient);
                // Without rotary positions a key's bias shifts all scores of a query alike: there is nothing but rounding.
                if (/roberta.*key\.bias$/.test(parameter)) continue;
                assert.ok(error <= tolerance, `${name}: gradient of ${parameter} off by ${error} of its norm`);
              }
            }
          }
          assert.equal(device.memory().live, before, "memory leaked");
        });
      }

      test(`${headName}, scores`, () => {
        using model = open();
        const texts = examples().map(({ ids }) => ids);
        const scorer = new ClassScorer(model.decoder, model.classHead!);
        const together = scorer.score(texts);
        texts.forEach((text, i) => {
          const error = distance(together[i]!, scorer.score([text])[0]!);
          assert.ok(error <= tolerance, `text ${i}: off by ${error}`);
        });
        // The same text twice is computed once, where beginnings are shared.
        if (model.classHead!.parts.pooling === "last") assert.deepEqual(together[4], together[5]);
      });
    }
  });
}

/** Of the expected norm. */
function distance(actual: Float32Array, expected: Float32Array): number {
  let difference = 0;
  let norm = 0;
  expected.forEach((value, i) => {
    difference += (value - actual[i]!) ** 2;
    norm += value ** 2;
  });
  return Math.sqrt(difference / norm);
}
