/** A small classifier of Dockerfiles, trees to scan with it, and what is found. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type RecipeInput, train } from "../../src/app/api/train.ts";
import { type ScanOptions, scan } from "../../src/app/scan/scan.ts";
import type { ScanResult } from "../../src/app/scan/scan-result.ts";
import { writeSmallModel } from "./small-model.ts";

export const names: readonly string[] = ["root", "secret", "unpinned"];

const severities = ["low", "high", "critical"];
const classes = names.map(
  (name, i) =>
    `  - {name: ${name}, title: Title of ${name}, description: d, why: w, fix: Mend ${name}, severity: ${severities[i]}, cwe: [CWE-${250 + i}]}`,
);

/** Its parts lie in a folder of their own, the caches too; remove it at the end. */
export class SmallScanner {
  readonly scratch: string = mkdtempSync(join(tmpdir(), "fettle-scan-"));
  readonly run: string = join(this.scratch, "run");
  readonly env: Readonly<Record<string, string>> = { FETTLE_CACHE: join(this.scratch, "cache") };

  /** Trains it; every label of every text is a finding. */
  async prepare(): Promise<void> {
    process.env.FETTLE_CACHE = this.env.FETTLE_CACHE;
    writeSmallModel(join(this.scratch, "model"));
    const taxonomy = join(this.scratch, "risks.taxonomy.yaml");
    writeFileSync(taxonomy, `version: 1\nclasses:\n${classes.join("\n")}\n`);
    const rows = Array.from({ length: 12 }, (_, i) => ({
      text: dockerfile(i),
      labels: names.filter((_name, c) => (i >> c) & 1),
    }));
    const scanned = { files: ["Dockerfile", "*.Dockerfile"], taxonomy };
    await this.train("run", rows, { problem_type: "multi_label_classification", scan: scanned });
    this.setThreshold(this.run, 0);
  }

  /** Trains another one on these rows, and returns its folder. */
  async train(name: string, rows: readonly object[], recipe: Omit<RecipeInput, "base">): Promise<string> {
    const data = join(this.scratch, `${name}.jsonl`);
    writeFileSync(data, rows.map((row) => JSON.stringify(row)).join("\n"));
    const own = {
      ...{ base: join(this.scratch, "model"), task_type: "SEQ_CLS", device: "reference" },
      training: { max_steps: 2, learning_rate: 0.01 },
      template: { max_length: 64 },
      ...recipe,
      data: { train: data, ...recipe.data },
    } as RecipeInput;
    return (await train(own, { output: join(this.scratch, name) })).folder;
  }

  /** What `classifier.json` of a run says, with some keys changed. */
  change(run: string, keys: object): void {
    const path = join(run, "adapter/classifier.json");
    writeFileSync(path, JSON.stringify({ ...this.classifier(run), ...keys }));
  }

  classifier(run: string): Record<string, unknown> {
    return JSON.parse(readFileSync(join(run, "adapter/classifier.json"), "utf8"));
  }

  /** 0: every label of every text is a finding; more than 1: none. */
  setThreshold(run: string, threshold: number): void {
    this.change(run, { thresholds: Object.fromEntries(names.map((name) => [name, threshold])) });
  }

  copy(name: string): string {
    const folder = join(this.scratch, name);
    cpSync(this.run, folder, { recursive: true });
    return folder;
  }

  /** A folder of files: path -> content. */
  tree(name: string, files: Readonly<Record<string, string | Buffer>>): string {
    const folder = join(this.scratch, name);
    mkdirSync(folder, { recursive: true });
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    return folder;
  }

  scan(folder: string, options: ScanOptions & { readonly run?: string } = {}): Promise<ScanResult> {
    const { run = this.run, ...rest } = options;
    return scan(run, { paths: [folder], device: "reference", regions: false, ...rest });
  }

  remove(): void {
    rmSync(this.scratch, { recursive: true, force: true });
  }
}

export function dockerfile(seed: number): string {
  return `FROM image-${seed}\nRUN install thing-${seed}\nCMD run\n`;
}

/** Of files with findings, each once, in their order. */
export function pathsOf({ findings }: ScanResult): string[] {
  return [...new Set(findings.map(({ path }) => path))];
}

/** `fatal PATH: the message up to its first comma, colon or semicolon`. */
export function problemsOf({ problems }: ScanResult): string[] {
  return problems.map(
    ({ path, message, fatal }) => `${fatal ? "fatal" : "note"} ${path}: ${message.split(/[;:,]/)[0]}`,
  );
}
