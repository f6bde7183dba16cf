/** Runs that share a base on CUDA, where weights may lie with room for an adapter and transposed too, end as runs alone do. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import { parseRecipe } from "../../src/base/recipe/load.ts";
import { SharedParts } from "../../src/tune/train/shared-parts.ts";
import { startRun } from "../../src/tune/train/start-run.ts";
import { cudaSkip, cudaVariables } from "../helpers/cuda.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-cuda-shared-"));
const base = join(scratch, "base");

const text = `base: ${base}
device: cuda
data: {train: ${join(packageRoot, "examples/ag-news/train.jsonl")}, limit: 20}
training: {max_steps: 2, batch_size: 4, learning_rate: 1e-2}
`;

/** The second of each pair finds the base as the first has left it. */
const runs: readonly (readonly string[])[] = [
  ["lora.r=4"],
  ["lora.r=4", "lora.lora_dropout=0.1", "seed=7"],
  ["lora.r=8"],
  ["method=qlora", "lora.r=4"],
  ["method=qlora", "lora.r=4", "training.learning_rate=1e-3"],
];

describe("runs that share a base on CUDA", { skip: cudaSkip }, () => {
  before(() => writeSmallModel(base));
  after(() => rmSync(scratch, { recursive: true }));

  it("end with the same weights as runs alone", async () => {
    const { FETTLE_CUDA_LIBRARIES: cudaLibraries, FETTLE_CACHE: cacheFolder } = cudaVariables();
    const environment = { cudaLibraries, cacheFolder, hub: () => assert.fail("the base is a folder") };
    const shaOf = async (set: readonly string[], output: string, parts?: SharedParts): Promise<string> => {
      const loaded = parseRecipe(text, "recipe.yaml", { set: [...set, `output=${join(scratch, output)}`] });
      const { signal } = new AbortController();
      const options = { ...environment, resume: false, dryRun: false, signal, onEvent: () => {}, parts };
      return (await startRun(loaded, options)).weightsSha256!;
    };
    using parts = new SharedParts();
    for (const [i, set] of runs.entries()) {
      assert.equal(await shaOf(set, `shared-${i}`, parts), await shaOf(set, `alone-${i}`), set.join(" "));
    }
  });
});
