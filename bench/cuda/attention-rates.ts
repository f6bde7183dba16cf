/**
 * `node dist/bench/cuda/attention-rates.js`: how fast each attention kernel is on the card, by the way that every card
 * takes and by Hopper's, with the worst difference between the two and whether a second run gives the same bits.
 *
 *   --way NAME   only ways whose name begins so
 *   --tokens N   length of the long rows (default 2048); small ones are for the emulator
 */
import { parseArgs } from "node:util";
import { Random } from "../../src/base/random.ts";
import { decodeBf16, encodeBf16 } from "../../src/engine/device/bf16.ts";
import type { CudaDevice } from "../../src/engine/device/cuda/cuda-device.ts";
import type { KernelTime } from "../../src/engine/device/cuda/timeline.ts";
import { WARPGROUP_ARCHITECTURE } from "../../src/engine/ops/attention/attention.cuda.ts";
import { attention } from "../../src/engine/ops/attention/attention.ts";
import { layoutOfTree, type Segment } from "../../src/engine/ops/attention/layout-of-tree.ts";
import { scope } from "../../src/engine/tensor/scope.ts";
import { Tape } from "../../src/engine/tensor/tape.ts";
import { fromHost, type Tensor, toBytes } from "../../src/engine/tensor/tensor.ts";
import { median } from "../harness/statistics.ts";
import { openCard } from "./device.ts";

const { values: options } = parseArgs({
  options: { way: { type: "string", default: "" }, tokens: { type: "string", default: "2048" } },
});
const tokens = Number(options.tokens);
const REPETITIONS = 7;

interface Candidate {
  readonly name: string;
  readonly hopper: boolean;
}

const candidates: readonly Candidate[] = [
  { name: "warps", hopper: false },
  { name: "warpgroups", hopper: true },
].filter(({ name }) => name.startsWith(options.way));

interface Shape {
  readonly name: string;
  readonly roots: readonly Segment[];
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

const rows: readonly Segment[] = Array.from({ length: 4 }, () => ({ length: tokens }));
const children = Array.from({ length: tokens / 16 }, (_, i) => ({ length: 50 + ((i * 7) % 29) }));
const shapes: readonly Shape[] = [
  { name: `4 x ${tokens}, 28/4/128`, roots: rows, heads: 28, kvHeads: 4, headDim: 128 },
  { name: `4 x ${tokens}, 16/8/128`, roots: rows, heads: 16, kvHeads: 8, headDim: 128 },
  { name: `4 x ${tokens}, 32/8/64`, roots: rows, heads: 32, kvHeads: 8, headDim: 64 },
  {
    name: `192 + ${children.length} x ~64, 28/4/128`,
    roots: [{ length: 192, children }],
    heads: 28,
    kvHeads: 4,
    headDim: 128,
  },
];

/** Of one run: results by name, and what each kernel took. */
interface Outcome {
  readonly results: ReadonlyMap<string, Uint8Array>;
  readonly kernels: readonly KernelTime[];
}

/** FLOP of what each kernel multiplies, over those of the forward pass. */
const work: readonly (readonly [prefix: string, name: string, products: number])[] = [
  ["attention_forward", "forward", 1],
  ["attention_queries", "queries", 1.5],
  ["attention_keys", "keys", 2],
];
/** As papers count the backward pass: the scores are not computed twice. */
const BACKWARD = 2.5;

const device = openCard(null);
console.log(device.description);
const { architecture } = device.properties;
for (const shape of shapes) measure(device, shape);
device.close();

function measure(device: CudaDevice, shape: Shape): void {
  const { roots, heads, kvHeads, headDim } = shape;
  const { expiry, position } = layoutOfTree(roots);
  const count = expiry.length;
  // Position p sees p + 1 keys.
  const pairs = position.reduce((sum, p) => sum + p + 1, 0);
  const flops = 4 * pairs * heads * headDim;
  scope(() => {
    const [q, k, v, dout] = [heads, kvHeads, kvHeads, heads].map((width, i) => random([count, width * headDim], i));
    const i32 = (values: readonly number[]): Tensor => fromHost(device, Int32Array.from(values), [count]);
    const positions = i32(position);
    const layout = {
      index: i32(position.map((_, i) => i)),
      expiry: i32(expiry),
      queryPosition: positions,
      keyPosition: positions,
    };
    const run = (keep: boolean): Outcome =>
      scope(() => {
        const tape = new Tape();
        const inputs = [q!, k!, v!];
        for (const tensor of inputs) tape.track(tensor);
        let out: Tensor | undefined;
        const settings = { heads, kvHeads, headDim, scale: headDim ** -0.5 };
        const forward = device.profile(() => {
          out = tape.run(() => attention(q!, k!, v!, layout, settings));
        });
        let gradients: readonly (Tensor | undefined)[] = [];
        const backward = device.profile(() => {
          gradients = tape.backward([[out!, dout!]], inputs);
        });
        const results = new Map<string, Uint8Array>();
        if (keep)
          [out!, ...gradients].forEach((tensor, i) => {
            results.set(["out", "dq", "dk", "dv"][i]!, toBytes(tensor!));
          });
        return { results, kernels: [...forward, ...backward] };
      });
    console.log(shape.name);
    let reference: Outcome | undefined;
    for (const candidate of candidates) {
      choose(device, candidate);
      const first = run(true);
      const second = run(true);
      const outcomes = Array.from({ length: REPETITIONS }, () => run(false));
      console.log(`  ${candidate.name}: ${rates(outcomes, flops)}`);
      console.log(`    ${sameBits(first, second)}; ${reference === undefined ? "" : differences(first, reference)}`);
      reference ??= first;
    }
  });
}

function choose(device: CudaDevice, { hopper }: Candidate): void {
  // Only the choice of kernels asks for it from here on.
  Object.assign(device.properties, { architecture: hopper ? WARPGROUP_ARCHITECTURE : architecture - 1 });
}

function rates(outcomes: readonly Outcome[], flops: number): string {
  const time = (chosen: (name: string) => boolean): number =>
    median(
      outcomes.map(({ kernels }) =>
        kernels.filter(({ name }) => chosen(name)).reduce((sum, { milliseconds }) => sum + milliseconds, 0),
      ),
    );
  const rate = (products: number, milliseconds: number): string =>
    `${((products * flops) / milliseconds / 1e9).toFixed(0)} TFLOP/s`;
  const parts = work.map(([prefix, name, products]) => {
    const milliseconds = time((kernel) => kernel.startsWith(prefix));
    return `${name} ${milliseconds.toFixed(3)} ms ${rate(products, milliseconds)}`;
  });
  const isForward = (name: string): boolean => name.startsWith("attention_forward");
  const inWork = (name: string): boolean => work.some(([prefix]) => name.startsWith(prefix));
  const rest = time((name) => !inWork(name));
  const backward = time((name) => inWork(name) && !isForward(name));
  return `${parts.join(", ")}, backward ${rate(BACKWARD, backward)}, all else ${rest.toFixed(3)} ms`;
}

function sameBits(a: Outcome, b: Outcome): string {
  const differing = [...a.results].filter(([name, bytes]) => Buffer.compare(bytes, b.results.get(name)!) !== 0);
  return differing.length === 0 ? "the same bits twice" : `DIFFERENT BITS in ${differing.map(([name]) => name).join()}`;
}

/** The worst difference of each result over the largest value; NaN where there is any. */
function differences(a: Outcome, b: Outcome): string {
  const parts = [...a.results].map(([name, bytes]) => {
    const [x, y] = [bytes, b.results.get(name)!].map((each) => decodeBf16(new Uint16Array(each.buffer)));
    let worst = 0;
    let largest = 0;
    for (let i = 0; i < x!.length; i++) {
      const difference = Math.abs(x![i]! - y![i]!);
      worst = Math.max(worst, difference);
      largest = Math.max(largest, Math.abs(y![i]!));
    }
    return `${name} ${(worst / largest).toExponential(1)}`;
  });
  return `worst difference ${parts.join(", ")}`;
}

function random(shape: readonly number[], seed: number): Tensor {
  const source = new Random(seed, "attention-rates");
  const length = shape.reduce((a, b) => a * b, 1);
  // A short run of values, again and again from another place, is random enough and quick.
  const few = encodeBf16(Float32Array.from({ length: 65_521 }, () => source.normal()));
  const values = new Uint16Array(length);
  for (let at = 0, turn = 0; at < length; turn++) {
    const part = few.subarray((turn * 4099) % 60_000);
    values.set(part.subarray(0, Math.min(part.length, length - at)), at);
    at += part.length;
  }
  return fromHost(device, values, shape);
}
