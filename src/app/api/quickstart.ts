/** The proof that training works here: the bundled model, scored before and after training on bundled rows. */
import { existsSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { packageRoot } from "../../base/package-root.ts";
import { pathList } from "../../base/recipe/combinations.ts";
import { loadRecipe } from "../../base/recipe/load.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import { openDevice } from "../../engine/open-device.ts";
import { isRunFolder, RunFolder } from "../../tune/train/run-folder.ts";
import type { RunResult } from "../../tune/train/start-run.ts";
import { deviceEnvironment } from "../environment.ts";
import { type EvaluationResult, evaluate } from "./evaluate.ts";
import { writeEvaluations } from "./evaluation-file.ts";
import { type LoadModelOptions, loadModel } from "./load-model.ts";
import { writeReport } from "./report.ts";
import { train } from "./train.ts";

export interface QuickstartOptions {
  /** Run folder. */
  readonly output: string;
  readonly device?: LoadModelOptions["device"];
  /** Overrides of options of recipes/quickstart.yaml. */
  readonly set?: readonly string[];
  readonly onEvent: EventSink;
}

export interface QuickstartResult {
  readonly base: EvaluationResult;
  readonly tuned: EvaluationResult;
  readonly run: RunResult;
  /** From the first row read to the page written. */
  readonly seconds: number;
  /** Path of the page. */
  readonly report: string;
  /** `cpu` or `reference`. */
  readonly device: string;
}

/** What the plain TypeScript device does in about the same time. */
const onReference = { trainingRows: 32, testRows: 16, set: ["data.limit=32", "training.num_train_epochs=1"] } as const;

/** @throws UserError when the output folder holds another run, or cannot be written */
export async function quickstart({
  output,
  device,
  onEvent,
  ...options
}: QuickstartOptions): Promise<QuickstartResult> {
  const start = performance.now();
  const name = await deviceName(device);
  const small = name === "reference";
  const path = join(packageRoot, "recipes/quickstart.yaml");
  const set = [`device=${name}`, ...(small ? onReference.set : []), ...(options.set ?? [])];
  const { recipe } = loadRecipe(path, { set });
  if (small) onEvent({ kind: "note", level: "warning", message: whySmall });
  makeRoom(output, recipe);

  const data = pathList(recipe.data.test!);
  const score = async (model: string): Promise<EvaluationResult> => {
    using loaded = await loadModel(model, { reading: recipe, device: recipe.device });
    return await evaluate(loaded, { data, limit: small ? onReference.testRows : undefined, onEvent });
  };
  onEvent({ kind: "note", level: "info", message: "1 of 3: scoring the base model" });
  const base = await score(recipe.base);
  onEvent({ kind: "note", level: "info", message: "2 of 3: training" });
  const run = await train(path, { set, output, onEvent });
  onEvent({ kind: "note", level: "info", message: "3 of 3: scoring the trained model" });
  const tuned = await score(output);
  writeEvaluations(output, { data, base, tuned });
  const report = await writeReport([output], { title: "AG News quickstart" });
  return { base, tuned, run, seconds: (performance.now() - start) / 1000, report, device: name };
}

const whySmall =
  "the reference device runs, which is plain TypeScript and slow: only " +
  `${onReference.trainingRows} rows are learnt and ${onReference.testRows} scored, which shows that everything works but ` +
  "not how good it gets; a C compiler (cc, gcc or clang) makes the CPU device available";

async function deviceName(wanted: QuickstartOptions["device"]): Promise<string> {
  const { device } = await openDevice({ ...deviceEnvironment(), ...(wanted && { device: wanted }) });
  const { name } = device;
  device.close();
  return name;
}

/** Removes what an earlier quickstart left, and only that: a folder with another run in it is refused. */
function makeRoom(output: string, recipe: Recipe): void {
  if (!isRunFolder(output)) return;
  using folder = RunFolder.open(output); // Refuses while another process writes it.
  if (!isQuickstart(folder.path, recipe)) {
    throw new UserError({
      code: "quickstart/other-run",
      message: "another run is in the folder, which quickstart does not replace",
      where: output,
      fix: "choose another folder: --output FOLDER",
    });
  }
  const files = [
    "adapter",
    "checkpoints",
    "evaluation.json",
    "metrics.jsonl",
    "recipe.yaml",
    "report.html",
    "run.json",
  ];
  for (const file of files) rmSync(join(output, file), { recursive: true, force: true });
}

function isQuickstart(folder: string, { base, data }: Recipe): boolean {
  const path = join(folder, "recipe.yaml");
  if (!existsSync(path)) return false;
  const { recipe } = loadRecipe(path);
  return recipe.base === resolve(base) && recipe.data.train === data.train;
}
