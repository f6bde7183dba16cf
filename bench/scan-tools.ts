/**
 * `npm run bench -- scan-tools RUN`: how many Dockerfiles a second `fettle scan` and the scanners beside it get through, on the
 * same files, in turn, with as many threads or processes each, nothing from a cache, and all that starting takes.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { plainTable } from "../src/app/report/plain-table.ts";
import { scan } from "../src/app/scan/scan.ts";
import { askTools } from "../src/app/tools/ask-tools.ts";
import { findTools } from "../src/app/tools/find-tools.ts";
import { packageRoot } from "../src/base/package-root.ts";
import { loadTaxonomy } from "../src/base/taxonomy/load-taxonomy.ts";
import { cpuSeconds } from "./harness/cpu-seconds.ts";
import { median } from "./harness/statistics.ts";

const gold = ["train", "validation", "test"].map((name) => join(packageRoot, `data/dockerfile-risks/${name}.jsonl`));
const taxonomy = join(packageRoot, "recipes/dockerfile-risks/risks.taxonomy.yaml");

interface Options {
  readonly data: readonly string[];
  readonly tools: string;
  readonly rounds: number;
  readonly json?: string;
}

export function scanToolsCommand(): Command {
  return new Command("scan-tools")
    .description("files a second of fettle scan and of the scanners beside it, in turn on the same files")
    .argument("<run>", "a classifier of Dockerfiles: a run, adapter or model")
    .option("--data <files...>", "JSONL of {text}", gold)
    .option("--tools <names>", "scanners, separated by commas", "hadolint,trivy,kics,terrascan")
    .option("--rounds <n>", "measurements of each, taken in turn", positive, 3)
    .option("--json <file>", "write the figures there")
    .action(measure);
}

async function measure(run: string, { data, tools, rounds, json }: Options): Promise<void> {
  const programs = await findTools(tools.split(","), "dockerfile");
  const texts = data.flatMap((file) => readTexts(file));
  const folder = mkdtempSync(join(tmpdir(), "fettle-bench-scan-"));
  try {
    for (const [i, text] of texts.entries()) {
      mkdirSync(join(folder, String(i)));
      writeFileSync(join(folder, String(i), "Dockerfile"), text);
    }
    const processes = availableParallelism();
    const options = {
      kind: "dockerfile",
      taxonomy: loadTaxonomy(taxonomy),
      cacheFolder: undefined,
      processes,
    } as const;
    const contestants: readonly (readonly [name: string, work: () => Promise<unknown>])[] = [
      [
        "fettle scan",
        () => scan(run, { paths: [folder], root: folder, files: ["Dockerfile"], gitignore: false, cache: false }),
      ],
      ...programs.map((one) => [`${one.tool.name} ${one.version}`, () => askTools([one], texts, options)] as const),
    ];
    // Kernels that an earlier version left to be compiled are no part of the question.
    await scan(run, { paths: [join(folder, "0")], root: folder, files: ["Dockerfile"], cache: false });
    const seconds = contestants.map((): number[] => []);
    const cpu = contestants.map((): number[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const [i, [, work]] of contestants.entries()) {
        const before = cpuSeconds();
        const started = performance.now();
        await work();
        seconds[i]!.push((performance.now() - started) / 1000);
        cpu[i]!.push((cpuSeconds() ?? Number.NaN) - (before ?? Number.NaN));
      }
    }
    const figures = contestants.map(([name], i) => {
      const [wall, busy] = [median(seconds[i]!), median(cpu[i]!)];
      return { name, seconds: wall, filesPerSecond: texts.length / wall, filesPerCpuSecond: texts.length / busy };
    });
    console.log(`${texts.length} files, ${processes} threads or processes, median of ${rounds}`);
    const rows = figures.map(({ name, ...values }) => [name, ...Object.values(values).map((one) => one.toFixed(1))]);
    console.log(plainTable(["", "seconds", "files/s", "files per CPU second"], rows));
    if (json !== undefined) {
      writeFileSync(json, `${JSON.stringify({ run, files: texts.length, processes, figures }, null, 2)}\n`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readTexts(file: string): string[] {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  return lines.map((line) => (JSON.parse(line) as { readonly text: string }).text);
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("a whole number from 1 is wanted");
  return value;
}
