import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { writeSmallModel } from "../../../tests/helpers/small-model.ts";
import { packageRoot } from "../../base/package-root.ts";
import { parseRecipe } from "../../base/recipe/load.ts";
import { openArtefact } from "./artefact.ts";
import { deviceOptions } from "./plan-run.ts";
import { readRunInfo } from "./run-folder.ts";
import { openForScoring } from "./shared-base.ts";
import { SharedParts } from "./shared-parts.ts";
import { startRun } from "./start-run.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-shared-"));
const base = join(folder, "base");
const examples = join(packageRoot, "examples/java-vulnerabilities");
const environment = {
  hub: () => {
    throw new Error("the base is a folder");
  },
};

const words = `base: ${base}
data:
  train: ${examples}/train.jsonl
  validation: ${examples}/validation.jsonl
  columns: {text: code, label: target}
  labels: {"0": fixed, "1": vulnerable}
template: {user: "{text}", max_length: 200}
training: {max_steps: 3, batch_size: 4, learning_rate: 1e-2}
threads: 1
`;
const classes = `${words.replace('user: "{text}", ', "")}task_type: SEQ_CLS\n`;

/** One after another over the same parts; what of them is shared changes from run to run. */
const runs: readonly (readonly [recipe: string, set: readonly string[]])[] = [
  [words, ["method=lora", "lora.r=4"]],
  [words, ["method=lora", "lora.r=8", "lora.lora_dropout=0.1", "seed=7"]],
  [words, ["method=lora", "lora.r=4", "template.max_length=120", "lora.use_dora=true"]],
  [words, ["method=full"]],
  [words, ["method=qlora", "lora.r=4"]],
  [words, ["method=qlora", "lora.r=8", "evaluation.eval_steps=2"]],
  [classes, ["lora.r=4"]],
  [classes, ["lora.r=4", "loss.focal.gamma=1", "loss.class_weights.vulnerable=3"]],
  [classes, ["lora.r=16", "seed=7"]],
  [words, ["method=lora", "lora.r=4", "data.validation={fraction: 0.2}"]],
];

async function shaOf(run: (typeof runs)[number], output: string, parts?: SharedParts): Promise<string> {
  const loaded = parseRecipe(run[0], "recipe.yaml", { set: [...run[1], `output=${output}`] });
  const { signal } = new AbortController();
  const options = { ...environment, resume: false, dryRun: false, signal, onEvent: () => {}, parts };
  return (await startRun(loaded, options)).weightsSha256!;
}

describe("runs that share device, data and base", () => {
  before(() => writeSmallModel(base));
  after(() => rmSync(folder, { recursive: true }));

  it("end with the same weights as runs alone, and tell the same", async () => {
    using parts = new SharedParts();
    for (const [i, run] of runs.entries()) {
      const [alone, shared] = [join(folder, `alone-${i}`), join(folder, `shared-${i}`)];
      assert.equal(await shaOf(run, shared, parts), await shaOf(run, alone), run[1].join(" "));
      assert.deepEqual(readRunInfo(shared).data, readRunInfo(alone).data);
    }
  });

  it("have one base in memory as long as it will do", async () => {
    // On a card a base may be laid out for adapters of one rank.
    const [small, large] = [runs[0]!, runs[1]!].map(([recipe, set]) => [recipe, [...set, "device=cpu"]] as const);
    using parts = new SharedParts();
    const held = (): unknown => parts.heldBase(() => true)?.decoder;
    await shaOf(small!, join(folder, "first"), parts);
    const first = held();
    await shaOf(large!, join(folder, "second"), parts);
    assert.ok(first !== undefined && held() === first);
    await shaOf(runs[3]!, join(folder, "third"), parts);
    assert.equal(held(), undefined, "a base whose weights are trained is not kept");
  });

  it("are scored over the base they were trained on", async () => {
    using parts = new SharedParts();
    const output = join(folder, "scored");
    await shaOf(runs[6]!, output, parts);
    const { recipe } = parseRecipe(classes, "recipe.yaml");
    const { device } = await parts.device(deviceOptions(recipe, {}));
    using own = openArtefact(output, { device });
    await shaOf(runs[6]!, join(folder, "scored-again"), parts);
    const decoder = parts.heldBase(() => true)!.decoder;
    using over = openArtefact(output, { device, open: openForScoring(parts) });
    assert.equal(over.model.decoder, decoder);
    assert.deepEqual([...over.model.classHead!.parameters.keys()], [...own.model.classHead!.parameters.keys()]);
  });
});
