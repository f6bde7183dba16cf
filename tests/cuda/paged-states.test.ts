/** States in host memory: the bits are those of states on the card, whose memory they leave alone. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { Random } from "../../src/base/random.ts";
import type { Device } from "../../src/engine/device/device.ts";
import { createOptimizer, type OptimizerOptions } from "../../src/engine/optim/optimizer.ts";
import { gradientOf } from "../../src/engine/tensor/tape.ts";
import { consecutive, toBytes } from "../../src/engine/tensor/tensor.ts";
import { releaseParameter } from "../../src/engine/tensor/working-copy.ts";
import { cudaSkip, openCudaForTests } from "../helpers/cuda.ts";

/** The first two together are large enough to be paged, the last is not. */
const shapes = [[300, 512], [37, 1000], [7], [5000]];

interface Outcome {
  readonly parameters: readonly Uint8Array[];
  readonly state: readonly (readonly [string, Uint8Array])[];
  /** Bytes of the card that the states take. */
  readonly taken: number;
}

function train(device: Device, kind: OptimizerOptions["kind"], paged: boolean, half = false): Outcome {
  const random = new Random(9);
  const bytes = (length: number): Uint8Array =>
    new Uint8Array(Float32Array.from({ length }, () => random.normal()).buffer);
  const tensors = consecutive(device, shapes);
  const parameters = new Map(tensors.map((tensor, i) => [`proj.${i}`, tensor]));
  for (const tensor of tensors) {
    tensor.trainable = true;
    device.write(tensor, bytes(tensor.length));
  }
  const before = device.memory().live;
  const options = { kind, parameters, betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0.1, seed: 0 } as const;
  const make = (onHost: boolean) => createOptimizer({ ...options, decay: () => true, paged: onHost });
  let optimizer = make(paged);
  const taken = device.memory().live - before;
  for (let step = 0; step < 4; step++) {
    for (const tensor of tensors) device.write(gradientOf(tensor), bytes(tensor.length));
    optimizer.step(0.01, 0.5);
    if (!half || step !== 1) continue;
    // What was paged goes on where it is not, and the other way round.
    const state = optimizer.state().map((tensor) => ({ ...tensor, bytes: tensor.bytes().slice() }));
    optimizer[Symbol.dispose]();
    optimizer = make(!paged);
    optimizer.restore(
      state.map(({ bytes: kept, ...tensor }) => ({ ...tensor, bytes: () => kept })),
      2,
    );
  }
  const outcome = {
    parameters: tensors.map(toBytes),
    state: optimizer.state().map(({ name, bytes: read }) => [name, read()] as const),
    taken,
  };
  optimizer[Symbol.dispose]();
  for (const tensor of tensors) releaseParameter(tensor);
  return outcome;
}

describe("paged states", { skip: cudaSkip }, () => {
  const device = cudaSkip ? undefined : openCudaForTests({ precision: "f32" });
  after(() => device?.close());

  for (const kind of ["adamw", "adamw_8bit"] as const) {
    test(`${kind}: the same bits, in less of the card's memory`, () => {
      const before = device!.memory().live;
      const onCard = train(device!, kind, false);
      const onHost = train(device!, kind, true);
      assert.deepEqual(onHost.parameters, onCard.parameters);
      assert.deepEqual(onHost.state, onCard.state);
      assert.ok(onHost.taken < onCard.taken / 8, `${onHost.taken} of ${onCard.taken} bytes`);
      assert.equal(device!.memory().live, before);
    });

    test(`${kind}: a checkpoint of paged states goes on with states on the card, and back`, () => {
      const whole = train(device!, kind, true);
      for (const paged of [false, true]) {
        const changed = train(device!, kind, paged, true);
        assert.deepEqual(changed.parameters, whole.parameters);
        assert.deepEqual(changed.state, whole.state);
      }
    });
  }

  test("more than the host has free is refused", () => {
    assert.throws(
      () => device!.allocateOnHost(2 ** 50),
      (error) => error instanceof UserError && error.code === "device/out-of-host-memory",
    );
  });
});
