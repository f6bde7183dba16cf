/** A run on CUDA that was killed and gone on with ends with the bits of one that was never stopped. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import { listCheckpoints } from "../../src/tune/train/checkpoint.ts";
import { finish, start } from "../helpers/cli.ts";
import { cudaSkip, cudaVariables } from "../helpers/cuda.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-cuda-resume-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const methods: Readonly<Record<string, string>> = {
  lora: "method: lora\nlora: {r: 4, lora_dropout: 0.1}",
  qlora: "method: qlora\nlora: {r: 4}",
  full: "method: full",
};

describe("kill -9 and resume on CUDA", { skip: cudaSkip }, () => {
  const base = join(scratch, "base");
  before(() => writeSmallModel(base));

  async function train(recipe: string, output: string, resume: boolean, kill: boolean): Promise<string | undefined> {
    const words = ["train", recipe, "--output", output, "--json", ...(resume ? ["--resume"] : [])];
    const child = start(words, { env: cudaVariables() });
    const checkpoints = listCheckpoints(join(output, "checkpoints")).length;
    const timer = setInterval(() => {
      if (kill && listCheckpoints(join(output, "checkpoints")).length > checkpoints) child.kill("SIGKILL");
    }, 2);
    const { code, stdout, stderr } = await finish(child);
    clearInterval(timer);
    if (code === null) return undefined;
    assert.equal(code, 0, stderr);
    return (JSON.parse(stdout) as { weightsSha256: string }).weightsSha256;
  }

  for (const [method, optim] of [
    ["lora", "adamw"],
    ["qlora", "adamw"],
    ["full", "adamw_8bit"],
  ] as const) {
    it(`${method}, ${optim}`, async () => {
      const recipe = join(scratch, `${method}.yaml`);
      writeFileSync(
        recipe,
        `base: ${base}
${methods[method]}
device: cuda
data: {train: ${join(packageRoot, "examples/ag-news/train.jsonl")}, limit: 60}
training: {max_steps: 12, batch_size: 4, gradient_accumulation_steps: 2, optim: ${optim}, warmup_steps: 2}
checkpoints: {save_steps: 2, save_total_limit: 100}
`,
      );
      const whole = await train(recipe, join(scratch, `${method}-whole`), false, false);
      const output = join(scratch, `${method}-killed`);
      let kills = 0;
      for (let attempt = 0; attempt < 3; attempt++) {
        if ((await train(recipe, output, attempt > 0, true)) !== undefined) break;
        kills++;
      }
      assert.ok(kills > 0, "the run ended before it could be killed");
      assert.equal(await train(recipe, output, true, false), whole);
    });
  }
});
