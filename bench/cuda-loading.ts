/**
 * `npm run bench -- cuda-loading`: how fast a checkpoint of 15 GB gets to the card, beside reading the same file and doing
 * nothing with it, and how much host memory it takes on the way.
 */
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { packageRoot } from "../src/base/package-root.ts";
import { openModel, saveModel } from "../src/model/families/model.ts";
import type { WeightFormat } from "../src/model/families/parameters.ts";
import { openCard } from "./cuda/device.ts";

const GB = 1e9;
const PIECE = 32 * 2 ** 20;

export function cudaLoadingCommand(): Command {
  return new Command("cuda-loading")
    .description("loading a checkpoint of 15 GB to this machine's GPU")
    .option("--scratch <folder>", "where the checkpoint is written; default: a temporary folder")
    .action(({ scratch }: { scratch?: string }) => {
      const folder = mkdtempSync(join(scratch ?? tmpdir(), "fettle-bench-loading-"));
      try {
        measure(folder);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
}

function measure(folder: string): void {
  const device = openCard(null);
  console.log(device.description);
  const shape = join(packageRoot, "bench/cuda/models/qwen2.5-7b");
  {
    using model = openModel(shape, device, { format: { kind: "bf16" }, randomSeed: 1 });
    const start = performance.now();
    saveModel(model, folder, "BF16");
    line("written to disk", bytesIn(folder), start);
  }
  for (const cold of [true, false]) {
    const from = cold ? "disk" : "the page cache";
    if (cold && !dropCaches()) {
      console.log("the page cache cannot be emptied by this user: nothing is measured from disk");
      continue;
    }
    const start = performance.now();
    readAll(folder);
    line(`read and thrown away, from ${from}`, bytesIn(folder), start);
    for (const [name, format] of formats) {
      if (cold) dropCaches();
      load(`loaded ${name}, from ${from}`, folder, format);
    }
  }

  function load(what: string, from: string, format: WeightFormat): void {
    resetPeak();
    const before = hostBytes("VmRSS");
    const start = performance.now();
    using _model = openModel(from, device, { format });
    device.wait();
    line(
      what,
      bytesIn(from),
      start,
      `, host memory +${((hostBytes("VmHWM") - before) / 2 ** 20).toFixed(0)} MiB at most`,
    );
  }
}

const formats: readonly (readonly [name: string, format: WeightFormat])[] = [
  ["as bf16", { kind: "bf16" }],
  ["into NF4", { kind: "nf4", blockSize: 64, doubleQuant: true }],
];

function line(what: string, bytes: number, start: number, more = ""): void {
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `  ${what}: ${(bytes / GB).toFixed(1)} GB in ${seconds.toFixed(1)} s, ${(bytes / GB / seconds).toFixed(2)} GB/s${more}`,
  );
}

function bytesIn(folder: string): number {
  return readWeightFiles(folder).reduce((sum, path) => sum + statSync(path).size, 0);
}

function readAll(folder: string): void {
  const piece = Buffer.allocUnsafe(PIECE);
  for (const path of readWeightFiles(folder)) {
    const file = openSync(path, "r");
    while (readSync(file, piece, 0, PIECE, null) > 0);
    closeSync(file);
  }
}

/** Paths of a checkpoint's safetensors files. */
function readWeightFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".safetensors"))
    .map((name) => join(folder, name));
}

/** Needs root on Linux. */
function dropCaches(): boolean {
  try {
    writeFileSync("/proc/sys/vm/drop_caches", "3");
    return true;
  } catch {
    return false;
  }
}

/** Starts VmHWM anew. */
function resetPeak(): void {
  writeFileSync("/proc/self/clear_refs", "5");
}

function hostBytes(what: "VmRSS" | "VmHWM"): number {
  const status = readFileSync("/proc/self/status", "utf8");
  return Number(new RegExp(`${what}:\\s+(\\d+) kB`).exec(status)![1]) * 1024;
}
