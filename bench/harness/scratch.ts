/** A scratch folder with the model of a comparison: fettle-nano's shape with random weights, the same for both sides. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../src/base/package-root.ts";
import { openReferenceDevice } from "../../src/engine/open-device.ts";
import { openModel, saveModel } from "../../src/model/families/model.ts";
import type { Job } from "./jobs.ts";

export const modelFolder: string = join(packageRoot, "models/fettle-nano");

export class Scratch implements Disposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), "fettle-bench-"));
  /** Weights in f32, so that neither side starts from rounded ones. */
  readonly model: string = join(this.folder, "model");

  constructor() {
    const device = openReferenceDevice();
    using model = openModel(modelFolder, device, { format: { kind: "f32" }, randomSeed: 1 });
    mkdirSync(this.model);
    saveModel(model, this.model, "F32");
    for (const name of ["tokenizer.json", "tokenizer_config.json"])
      cpSync(join(modelFolder, name), join(this.model, name));
  }

  /** Writes a job for a contestant; returns its path. */
  writeJob(name: string, job: Job): string {
    const path = join(this.folder, `${name}.json`);
    writeFileSync(path, JSON.stringify(job));
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
