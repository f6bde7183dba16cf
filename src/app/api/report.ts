/** The page of a run, or of several side by side. */
import { basename, join, resolve } from "node:path";
import { writeFileAtomic } from "../../model/files/atomic.ts";
import type { Comparison } from "../../tune/evaluate/compare/comparison.ts";
import { renderReport } from "../report/render-report.ts";
import { renderRunsReport } from "../report/runs-report.ts";
import { recipeDifferences } from "./recipe-differences.ts";
import { reportOfRun } from "./report-of-run.ts";

export interface ReportOptions {
  /** Heading of the page; default: the folder's name, or the number of runs. */
  readonly title?: string | undefined;
  /** File to write; default: `report.html` in the folder of the one run, or here. */
  readonly output?: string | undefined;
  /** What `compare` found of the runs on the same rows. */
  readonly comparison?: Comparison | undefined;
}

/**
 * Writes the page of finished runs: one by itself, or several side by side.
 * @param runs run folders
 * @returns the file's path
 * @throws UserError when a run is not over, its files are damaged, or the file cannot be written
 */
export async function writeReport(runs: readonly string[], options: ReportOptions = {}): Promise<string> {
  const single = runs.length === 1;
  const path = options.output ?? (single ? join(runs[0]!, "report.html") : "report.html");
  writeFileAtomic(path, single ? await pageOf(runs[0]!, options) : await pageOfSeveral(runs, options));
  return path;
}

async function pageOf(run: string, { title = basename(resolve(run)), comparison }: ReportOptions): Promise<string> {
  return renderReport({ ...(await reportOfRun(run, title)), comparison });
}

async function pageOfSeveral(folders: readonly string[], { title, comparison }: ReportOptions): Promise<string> {
  const names = folders.map((folder) => basename(resolve(folder)));
  const distinct = new Set(names).size === names.length ? names : folders;
  const runs = [];
  for (const [i, folder] of folders.entries()) runs.push(await reportOfRun(folder, distinct[i]!));
  const list = folders.join(" ");
  return renderRunsReport({
    title: title ?? `${runs.length} runs`,
    createdAt: new Date().toISOString(),
    runs,
    differences: recipeDifferences(folders),
    comparison,
    compareCommands: [
      `fettle compare ${list} --output comparison.json`,
      `fettle report ${list} --comparison comparison.json`,
    ],
  });
}
