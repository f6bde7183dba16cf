/**
 * 8-bit AdamW beside bitsandbytes 0.50: every step begins with what bitsandbytes kept of the one before, and ends with
 * what it then keeps. Fixtures of both its backends, an H100's and the CPU's: scripts/fixtures/bitsandbytes_adamw.py.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import type { Device } from "../../src/engine/device/device.ts";
import { openDevice, openReferenceDevice } from "../../src/engine/open-device.ts";
import { adamw8bit, type QuantizedMoments } from "../../src/engine/ops/adamw-8bit/adamw-8bit.ts";
import { dynamicMap, MAP_BLOCK } from "../../src/engine/ops/dynamic-map.ts";
import { scope } from "../../src/engine/tensor/scope.ts";
import { fromHost, toBytes, toFloats } from "../../src/engine/tensor/tensor.ts";
import { openSafetensors } from "../../src/model/files/safetensors.ts";
import { cudaSkip, openCudaForTests } from "../helpers/cuda.ts";

const LENGTH = 701;
const STEPS = 3;
const BLOCKS = Math.ceil(LENGTH / MAP_BLOCK);
/** Of zero in the signed map. */
const SIGNED_ZERO = 127;
const maps = [dynamicMap("signed"), dynamicMap("unsigned")] as const;

/** What is kept after a step. */
interface Kept {
  readonly p: Float32Array;
  readonly codes: readonly [Uint8Array, Uint8Array];
  readonly absmax: readonly [Float32Array, Float32Array];
}

interface Settings {
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weight_decay: number;
}

interface Fixture {
  readonly settings: Readonly<Record<string, Settings>>;
  readonly kept: (name: string, step: number) => Kept;
}

function fixtureOf(backend: "cpu" | "cuda"): Fixture {
  const file = openSafetensors(join(packageRoot, `tests/fixtures/bitsandbytes/adamw-8bit-${backend}.safetensors`));
  const bytes = (name: string, step: number, tensor: string): Uint8Array<ArrayBuffer> =>
    file.read(`${name}.${step}.${tensor}`);
  const floats = (name: string, step: number, tensor: string): Float32Array =>
    new Float32Array(bytes(name, step, tensor).buffer);
  return {
    settings: JSON.parse(file.metadata.get("settings")!),
    kept: (name, step) =>
      step === 0
        ? start()
        : {
            p: floats(name, step, "p"),
            codes: [bytes(name, step, "state1"), bytes(name, step, "state2")],
            absmax: [floats(name, step, "absmax1"), floats(name, step, "absmax2")],
          },
  };
}

function start(): Kept {
  return {
    p: Float32Array.from({ length: LENGTH }, (_, i) => (((i * 29) % 61) - 30) / 64),
    codes: [new Uint8Array(LENGTH), new Uint8Array(LENGTH)],
    absmax: [new Float32Array(BLOCKS), new Float32Array(BLOCKS)],
  };
}

/** The formula of the fixtures' gradients. */
function gradient(step: number, name: string): Float32Array {
  const values = Float32Array.from({ length: LENGTH }, (_, i) => {
    const raw = (((i * (17 + step)) % 97) - 48) / 128;
    const block = Math.floor(i / MAP_BLOCK);
    return raw * (block === 0 ? 1 : block === 1 ? (step < STEPS ? 0 : 1) : 2 ** (((i * 13) % 53) - 40));
  });
  if (name === "not-finite" && step === 2) {
    values[3] = Number.NaN;
    values[300] = Number.POSITIVE_INFINITY;
    values[600] = Number.NEGATIVE_INFINITY;
  }
  return values;
}

function stepOn(device: Device, before: Kept, g: Float32Array, settings: Settings, step: number): Kept {
  return scope(() => {
    const p = fromHost(device, before.p);
    const [state1, state2] = before.codes.map((codes) => fromHost(device, codes));
    const [absmax1, absmax2] = before.absmax.map((absmax) => fromHost(device, absmax));
    const moments = { state1, state2, absmax1, absmax2 } as QuantizedMoments;
    const [map1, map2] = maps.map((map) => fromHost(device, map));
    adamw8bit(
      p,
      fromHost(device, g),
      moments,
      { map1: map1!, map2: map2! },
      {
        learningRate: settings.lr,
        beta1: settings.betas[0],
        beta2: settings.betas[1],
        eps: settings.eps,
        weightDecay: settings.weight_decay,
        step,
        gradientScale: 1,
        seed: 0,
      },
    );
    return {
      p: toFloats(p),
      codes: [toBytes(moments.state1), toBytes(moments.state2)],
      absmax: [toFloats(moments.absmax1), toFloats(moments.absmax2)],
    };
  });
}

/** m and v after the step, in f64. */
function momentsOf({ codes, absmax }: Kept, g: Float32Array, { betas }: Settings): [Float64Array, Float64Array] {
  const [beta1, beta2] = betas.map(Math.fround) as [number, number];
  const decoded = (which: 0 | 1, i: number): number =>
    maps[which][codes[which][i]!]! * absmax[which][Math.floor(i / MAP_BLOCK)]!;
  const finite = (value: number, i: number): number => (Number.isFinite(g[i]) ? value : 0);
  return [
    Float64Array.from(g, (value, i) => finite(decoded(0, i) * beta1 + (1 - beta1) * value, i)),
    Float64Array.from(g, (value, i) => finite(decoded(1, i) * beta2 + (1 - beta2) * value ** 2, i)),
  ];
}

/**
 * bitsandbytes computes 1 - beta2^t in f32 on CUDA, which leaves 2⁻²⁴ of 0.001 uncertain, half of that under the root;
 * on the CPU it takes betas that are not rounded to f32. Both come to less than this share of a parameter's step.
 */
const STEP_TOLERANCE = 2 ** -14;
/** Of f32, after a few operations. */
const ROUNDING = 2 ** -20;

/** The CPU's backend reads codes from a table over [-1, 1]: they are the nearest to a place of it. */
const CPU_TABLE = 2 ** -15;

/**
 * Ours is the nearest code, but for a moment nearer to 0 than to any code of its own sign. Theirs on CUDA is the same,
 * or as near, where a moment is within a rounding of the middle between two.
 */
function expectCode(code: number, other: number, x: number, which: 0 | 1, backend: "cpu" | "cuda"): void {
  const [near, theirs] = [code, other].map((index) => Math.abs(x - maps[which][index]!)) as [number, number];
  const slack = backend === "cpu" ? CPU_TABLE : ROUNDING * Math.abs(x);
  assert.ok(theirs - near <= slack, `code ${code} for ${x}, theirs ${other}`);
  if (backend === "cpu" && which === 0 && other === SIGNED_ZERO && code === SIGNED_ZERO + Math.sign(x)) return;
  assert.ok(near - theirs <= ROUNDING * Math.abs(x), `code ${code} for ${x}, theirs ${other}`);
}

const cpu = (await openDevice({ device: "cpu" })).device;
const devices: readonly { readonly name: string; readonly skip: string | false; readonly open: () => Device }[] = [
  { name: "reference", skip: false, open: () => openReferenceDevice() },
  { name: "cpu", skip: false, open: () => cpu },
  { name: "cuda", skip: cudaSkip, open: () => openCudaForTests() },
];

for (const { name: deviceName, skip, open } of devices) {
  describe(`8-bit AdamW on ${deviceName}`, { skip }, () => {
    const device = skip ? undefined : open();
    after(() => device?.close());
    for (const backend of ["cpu", "cuda"] as const) {
      const { settings, kept } = fixtureOf(backend);
      for (const [name, options] of Object.entries(settings)) {
        test(`${name}, as bitsandbytes on ${backend}`, () => {
          for (let step = 1; step <= STEPS; step++) {
            const before = kept(name, step - 1);
            const expected = kept(name, step);
            const g = gradient(step, name);
            const actual = stepOn(device!, before, g, options, step);
            actual.p.forEach((value, i) => {
              const own = before.p[i]!;
              const limit = STEP_TOLERANCE * Math.abs(expected.p[i]! - own) + (ROUNDING / 8) * Math.abs(own);
              assert.ok(Math.abs(value - expected.p[i]!) <= limit, `p[${i}] is ${value}, not ${expected.p[i]}`);
              if (!Number.isFinite(g[i])) assert.equal(value, own);
            });
            const moments = momentsOf(before, g, options);
            for (const which of [0, 1] as const) {
              actual.absmax[which].forEach((scale, block) => {
                const other = expected.absmax[which][block]!;
                assert.ok(Math.abs(scale - other) <= (backend === "cpu" ? STEP_TOLERANCE : ROUNDING) * other);
                // Where it is zero, so are all moments, whatever their codes.
                if (other === 0) return;
                for (let i = block * MAP_BLOCK; i < Math.min(LENGTH, (block + 1) * MAP_BLOCK); i++) {
                  const x = moments[which][i]! / scale;
                  expectCode(actual.codes[which][i]!, expected.codes[which][i]!, x, which, backend);
                }
              });
            }
          }
        });
      }
    }
  });
}
