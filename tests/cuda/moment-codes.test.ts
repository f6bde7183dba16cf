/** The one lookup that codes a moment of 8-bit AdamW finds what the search through the whole map finds. */
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import { Random } from "../../src/base/random.ts";
import { type CudaLauncher, cudaFunction } from "../../src/engine/device/cuda/launcher.ts";
import type { BufferView } from "../../src/engine/device/device.ts";
import { dynamicMap, MAP_SIZE, nearestCode } from "../../src/engine/ops/dynamic-map.ts";
import { scope } from "../../src/engine/tensor/scope.ts";
import { fromHost, type Tensor, toBytes } from "../../src/engine/tensor/tensor.ts";
import { cudaSkip, openCudaForTests } from "../helpers/cuda.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-moment-codes-"));
after(() => rmSync(folder, { recursive: true }));
const header = "moment-codes.cuh";
copyFileSync(join(packageRoot, "src/engine/ops/adamw-8bit", header), join(folder, header));
writeFileSync(
  join(folder, "codes.cu"),
  `#include "${header}"
extern "C" __global__ void codes(u8 *to, u8 *back, const float *x, const float *map, i64 length) {
#if BELOW_ZERO
  __shared__ SignedCodes codes;
#else
  __shared__ UnsignedCodes codes;
#endif
  __shared__ Values values;
  codes.prepare(map), values.prepare(map);
  __syncthreads();
  for (i64 i = blockIdx.x * blockDim.x + threadIdx.x; i < length; i += gridDim.x * blockDim.x) {
    to[i] = codes.of(x[i] * CODING_SCALE) >> 24;
    for (int byte = 0; byte < 4; byte++) back[i] |= (values.of(to[i] << 8 * byte, byte) != map[to[i]]) << byte;
  }
}`,
);

const codes = cudaFunction("codes.cu", "codes", "pppp l");
const kernels = {
  moment_codes(
    cuda: CudaLauncher,
    signed: number,
    to: BufferView,
    back: BufferView,
    x: BufferView,
    map: BufferView,
    length: number,
  ): void {
    cuda.run(codes, { defines: { BELOW_ZERO: signed }, grid: [8], block: 256 }, [to, back, x, map, length]);
  },
};

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

function bitsOf(x: number): number {
  float[0] = x;
  return bits[0]!;
}

/** Magnitudes from 0 to 1, as bits: about every middle, every 2^16th float and its neighbours, and any others. */
function magnitudes(map: Float32Array): Float32Array {
  const one = bitsOf(1);
  const found: number[] = [0, one];
  for (let code = 0; code + 1 < MAP_SIZE; code++) {
    const middle = Math.abs(Math.fround(map[code]! + map[code + 1]!) / 2);
    for (let away = -4; away <= 4; away++) found.push(bitsOf(middle) + away);
  }
  for (let edge = 0; edge <= one; edge += 2 ** 16) found.push(edge - 1, edge, edge + 1);
  const random = new Random(1, "magnitudes");
  for (let i = 0; i < 50_000; i++) found.push(random.integer(one));
  const within = Uint32Array.from(found.filter((each) => each >= 0 && each <= one));
  return new Float32Array(within.buffer);
}

describe("codes of moments", { skip: cudaSkip }, () => {
  for (const kind of ["signed", "unsigned"] as const) {
    test(`${kind}: as searched for`, () => {
      const device = openCudaForTests({}, { kernels, sourceFolder: folder });
      const map = dynamicMap(kind);
      const positive = magnitudes(map);
      const negative = kind === "signed" ? positive.filter((x) => x > 0).map((x) => -x) : [];
      const values = Float32Array.from([...positive, ...negative]);
      scope(() => {
        const [to, back] = [0, 1].map(() => fromHost(device, new Uint8Array(values.length))) as [Tensor, Tensor];
        const tensors = [to, back, fromHost(device, values), fromHost(device, map)];
        device.launch("moment_codes", [kind === "signed" ? 1 : 0, ...tensors, values.length]);
        const found = toBytes(to);
        values.forEach((x, i) => {
          const nearest = nearestCode(map, x);
          const expected = x < 0 && map[nearest]! >= 0 ? nearest - 1 : nearest;
          if (found[i] !== expected) assert.fail(`${x}: code ${found[i]}, not ${expected}`);
        });
        assert.ok(
          toBytes(back).every((wrong) => wrong === 0),
          "a code does not stand for its value",
        );
      });
      device.close();
    });
  }
});
