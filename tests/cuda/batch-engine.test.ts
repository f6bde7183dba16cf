/** Texts written many at once on CUDA, over pages: the same tokens as on the reference device. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import type { Device } from "../../src/engine/device/device.ts";
import { pageBytes } from "../../src/engine/nn/paged-cache.ts";
import { openReferenceDevice } from "../../src/engine/open-device.ts";
import { openModel } from "../../src/model/families/model.ts";
import { loadTokenizer } from "../../src/model/text/tokenizer.ts";
import { BatchEngine } from "../../src/tune/score/batch-engine.ts";
import type { GeneratedToken } from "../../src/tune/score/generation-request.ts";
import { cudaSkip, openCudaForTests } from "../helpers/cuda.ts";

// Of a larger vocabulary, whose first ids are single bytes.
const tokenizer = loadTokenizer(join(packageRoot, "models/fettle-nano"));

/** What several prompts are continued with, one of them held to labels, over a cache too small for all of them. */
async function written(device: Device): Promise<GeneratedToken[][]> {
  const folder = join(packageRoot, "tests/fixtures/parity/qwen3/model");
  using model = openModel(folder, device, { format: { kind: "f32" } });
  const { layers, kvHeads, headDim } = model.decoder.config;
  const cacheBytes = 6 * pageBytes(device, layers, kvHeads * headDim);
  await using engine = new BatchEngine(model, tokenizer, { maxTokens: 24, cacheBytes });
  return await Promise.all(
    [3, 20, 37].map(async (length, i) => {
      const prompt = Int32Array.from({ length }, (_, at) => (at * 37 + i) % 256);
      const constraint = i === 0 ? ({ kind: "labels", labels: ["yes", "no"] } as const) : undefined;
      const tokens: GeneratedToken[] = [];
      const request = { prompt, maxNewTokens: 6, topLogProbabilities: 2, temperature: i, seed: i, constraint };
      for await (const token of engine.generate(request)) tokens.push(token);
      return tokens;
    }),
  );
}

describe("the batch engine on CUDA", { skip: cudaSkip }, () => {
  it("writes what it writes on the reference device", async () => {
    const reference = openReferenceDevice();
    const expected = await written(reference);
    const device = openCudaForTests({ precision: "f32" });
    try {
      const actual = await written(device);
      for (const [i, tokens] of actual.entries()) {
        const of = (list: readonly GeneratedToken[]): unknown => list.map(({ tokenId, text }) => [tokenId, text]);
        assert.deepEqual(of(tokens), of(expected[i]!));
        for (const [at, { logProbability, top }] of tokens.entries()) {
          const other = expected[i]![at]!;
          assert.ok(Math.abs(logProbability - other.logProbability) < 1e-4);
          assert.ok(Math.abs(top.at(-1)!.logProbability - other.top.at(-1)!.logProbability) < 1e-4);
        }
      }
    } finally {
      device.close();
    }
  });
});
