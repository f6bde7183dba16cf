import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { Device } from "../../device/device.ts";
import { openDevice, openReferenceDevice } from "../../open-device.ts";
import { scope } from "../../tensor/scope.ts";
import { Tape } from "../../tensor/tape.ts";
import { fromHost, toFloats } from "../../tensor/tensor.ts";
import { normal } from "../op-case.ts";
import { attention } from "./attention.ts";
import { layoutOfTree, type Segment } from "./layout-of-tree.ts";

const options = { heads: 4, kvHeads: 2, headDim: 24, scale: 0.2 };
const qWidth = options.heads * options.headDim;
const kvWidth = options.kvHeads * options.headDim;

/** Rows of q, k, v and of the gradient of the output, one row a token. */
interface Rows {
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
  readonly dout: Float32Array;
}

interface Results {
  readonly out: Float32Array;
  readonly dq: Float32Array;
  readonly dk: Float32Array;
  readonly dv: Float32Array;
}

const widths = { q: qWidth, k: kvWidth, v: kvWidth, dout: qWidth, out: qWidth, dq: qWidth, dk: kvWidth, dv: kvWidth };

function randomRows(tokens: number): Rows {
  const draw = (width: number, seed: number): Float32Array => normal([tokens, width], seed).values as Float32Array;
  return { q: draw(qWidth, 1), k: draw(kvWidth, 2), v: draw(kvWidth, 3), dout: draw(qWidth, 4) };
}

/** The tokens of `picked`, in that order. */
function pick<T extends Rows | Results>(rows: T, picked: readonly number[]): T {
  const entries = Object.entries(rows) as [keyof typeof widths, Float32Array][];
  const parts = entries.map(([name, values]) => {
    const width = widths[name];
    const part = new Float32Array(picked.length * width);
    picked.forEach((token, i) => {
      part.set(values.subarray(token * width, (token + 1) * width), i * width);
    });
    return [name, part];
  });
  return Object.fromEntries(parts);
}

function attend(device: Device, roots: readonly Segment[], rows: Rows): Results {
  const { expiry, position } = layoutOfTree(roots);
  const tokens = expiry.length;
  return scope(() => {
    const integers = (values: readonly number[]) => fromHost(device, Int32Array.from(values));
    const layout = {
      index: integers(range(0, tokens)),
      expiry: integers(expiry),
      queryPosition: integers(position),
      keyPosition: integers(position),
    };
    const q = fromHost(device, rows.q, [tokens, qWidth]);
    const k = fromHost(device, rows.k, [tokens, kvWidth]);
    const v = fromHost(device, rows.v, [tokens, kvWidth]);
    const tape = new Tape();
    for (const input of [q, k, v]) tape.track(input);
    const out = tape.run(() => attention(q, k, v, layout, options));
    const gradients = tape.backward([[out, fromHost(device, rows.dout, out.shape)]], [q, k, v]);
    const [dq, dk, dv] = gradients.map((gradient) => toFloats(gradient!));
    return { out: toFloats(out), dq: dq!, dk: dk!, dv: dv! };
  });
}

function range(begin: number, end: number): number[] {
  return Array.from({ length: end - begin }, (_, i) => begin + i);
}

function assertClose(actual: Results, expected: Results): void {
  for (const name of ["out", "dq", "dk", "dv"] as const) {
    // A token that sees itself alone has no gradient in q and k but rounding.
    const largest = expected[name].reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
    expected[name].forEach((value, i) => {
      const error = Math.abs(actual[name][i]! - value);
      assert.ok(error <= 1e-5 * largest, `${name}[${i}]: ${actual[name][i]}, expected ${value}`);
    });
  }
}

const lengths = [33, 64, 1, 90, 47];
const packed = lengths.map((length) => ({ length }));
const tokens = lengths.reduce((sum, length) => sum + length);
const begins = lengths.map((_, i) => lengths.slice(0, i).reduce((sum, length) => sum + length, 0));

const reference = openReferenceDevice();
const open = async (precision: "f32" | "bf16", threads: number): Promise<Device> =>
  (await openDevice({ device: "cpu", precision, threads })).device;
const cpu = await open("f32", 2);
const cpuBf16 = await open("bf16", 2);
after(() => {
  for (const device of [reference, cpu, cpuBf16]) device.close();
});

for (const device of [reference, cpu]) {
  describe(`attention on ${device.name}`, () => {
    test("packed segments attend as each does alone", () => {
      const rows = randomRows(tokens);
      const together = attend(device, packed, rows);
      lengths.forEach((length, i) => {
        const own = range(begins[i]!, begins[i]! + length);
        assertClose(pick(together, own), attend(device, [{ length }], pick(rows, own)));
      });
    });

    test("a shared beginning is worth a copy for each child, its gradients their sum", () => {
      const prefix = 70;
      const children = lengths.map((length) => ({ length }));
      const rows = randomRows(prefix + tokens);
      // The children's gradients reach the prefix through its keys and values only.
      rows.dout.fill(0, 0, prefix * qWidth);
      const together = attend(device, [{ length: prefix, children }], rows);
      const shared = pick(together, range(0, prefix));
      const sums = { dk: new Float32Array(prefix * kvWidth), dv: new Float32Array(prefix * kvWidth) };
      lengths.forEach((length, i) => {
        const own = range(prefix + begins[i]!, prefix + begins[i]! + length);
        const copy = attend(device, [{ length: prefix + length }], pick(rows, [...range(0, prefix), ...own]));
        assertClose(pick(together, own), pick(copy, range(prefix, prefix + length)));
        for (const name of ["dk", "dv"] as const) {
          for (let j = 0; j < sums[name].length; j++) sums[name][j]! += copy[name][j]!;
        }
      });
      assertClose(shared, { ...shared, ...sums });
    });
  });
}

for (const device of [cpu, cpuBf16]) {
  test(`what changes in one segment changes no bit of another (${device.description})`, () => {
    const rows = randomRows(tokens);
    const moved = pick(rows, range(0, tokens));
    const changed = range(begins[1]!, begins[2]!);
    for (const name of ["q", "k", "v", "dout"] as const) {
      const width = widths[name];
      for (let i = begins[1]! * width; i < begins[2]! * width; i++) moved[name][i]! *= -3;
    }
    const others = range(0, tokens).filter((token) => !changed.includes(token));
    assert.deepEqual(pick(attend(device, packed, moved), others), pick(attend(device, packed, rows), others));
  });

  test(`one thread and two give the same bits (${device.description})`, async () => {
    const single = await open(device.precision, 1);
    const long = [{ length: 100, children: Array.from({ length: 12 }, () => ({ length: 67 })) }];
    const rows = randomRows(100 + 12 * 67);
    assert.deepEqual(attend(single, long, rows), attend(device, long, rows));
    single.close();
  });
}
