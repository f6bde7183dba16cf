/** A trained classifier over the files of a tree. */
import { UserError } from "../../base/errors.ts";
import { packageVersion } from "../../base/package-root.ts";
import { ScanCache } from "./cache/scan-cache.ts";
import { FileScorer } from "./file-scorer.ts";
import { ChangedSince } from "./gate/changed-since.ts";
import { InlineIgnores } from "./gate/inline-ignores.ts";
import { readFiles } from "./read/read-files.ts";
import { textOf } from "./read/read-source.ts";
import { findScanModel, type ScanModelOptions, scanFolder } from "./scan-model.ts";
import type { Finding, ScanProblem, ScanResult } from "./scan-result.ts";
import { FileGlobs } from "./walk/file-globs.ts";
import { scanRoot } from "./walk/scan-root.ts";
import { walkTree } from "./walk/walk-tree.ts";

export interface ScanOptions extends ScanModelOptions {
  /** Files and folders; default: the working directory. */
  readonly paths?: readonly string[] | undefined;
  /** From where paths are told and patterns begin; default: the working directory, or what holds all paths. */
  readonly root?: string | undefined;
  /** False: what git leaves out is scanned too. */
  readonly gitignore?: boolean | undefined;
  /** False: nothing is taken from earlier scans, and nothing kept for later ones. */
  readonly cache?: boolean | undefined;
  /** Larger files are not scanned, and told; default 2 MiB. */
  readonly maxFileBytes?: number | undefined;
  /** True: files that are named themselves are scanned only where the patterns fit, as whoever names all files wants. */
  readonly onlyMatching?: boolean | undefined;
  /** Only what changed since the merge base of this commit: files, and of their findings those of the change. */
  readonly diffBase?: string | undefined;
  /** Aborted: what was scored so far is kept, and the scan ends with an error. */
  readonly signal?: AbortSignal | undefined;
}

const MOST_FILE_BYTES = 2 * 2 ** 20;
const FILES_PER_EVENT = 32;

/**
 * Every file below the paths that the model is for, each label with the stored threshold and calibration, as `predict`
 * has them. The model is opened only for what no earlier scan has scored.
 *
 *     const { findings } = await scan("runs/dockerfile-risks", { paths: ["."] });
 *
 * @param name run, adapter or model; or `ORG/NAME` on the hub
 * @throws UserError when a path does not exist, the model cannot be opened, or the signal is aborted
 */
export async function scan(name: string, options: ScanOptions = {}): Promise<ScanResult> {
  const started = performance.now();
  const { onEvent = () => {}, paths = ["."], gitignore = true, cache = true } = options;
  const model = await findScanModel(name, options);
  const root = options.root ?? scanRoot(paths, process.cwd());
  const problems: ScanProblem[] = [];
  const files = new FileGlobs(model.settings.files);
  const onProblem = (problem: ScanProblem): void => void problems.push(problem);
  const since = options.diffBase === undefined ? undefined : await ChangedSince.open(root, options.diffBase);
  const all = [...walkTree({ paths, root, files, gitignore, onlyMatching: options.onlyMatching, onProblem })];
  const found = since === undefined ? all : all.filter(({ path }) => since.has(path));
  const tell = (message: string): void => onEvent({ kind: "note", level: "warning", message });
  if (all.length === 0 && !options.onlyMatching)
    tell(`there is no file that the model is for: ${files.patterns.join(", ")}`);

  const known = cache ? new ScanCache(scanFolder(), model.fingerprint, tell) : undefined;
  using scorer = new FileScorer(model, known, onProblem);
  const ignores = new InlineIgnores([...model.rules.keys()]);
  let done = 0;
  for await (const [{ path }, source] of readFiles(found, options.maxFileBytes ?? MOST_FILE_BYTES)) {
    if (options.signal?.aborted) throw interrupted(done, found.length);
    if (source.kind === "problem") onProblem({ path, message: source.message, fatal: source.fatal });
    else {
      if (source.note) onProblem({ path, message: source.note, fatal: false });
      ignores.read(path, source.text);
      await scorer.add(path, source.text);
    }
    done++;
    if (done % FILES_PER_EVENT === 0) {
      onEvent({ kind: "progress", task: "scan", done: done - scorer.waiting, total: found.length, unit: "files" });
    }
  }
  await scorer.finish();
  onEvent({ kind: "progress", task: "scan", done, total: Math.max(done, 1), unit: "files" });
  const counts = { ...scorer.counts };
  const { findings, problems: ofComments } = ignores.apply(scorer.take());
  const reported = since === undefined ? findings : since.select(findings, await foundBefore(since, scorer, findings));
  return {
    version: packageVersion,
    model: { name, fingerprint: model.fingerprint, rules: [...model.rules.values()] },
    root,
    files: { found: all.length, ...counts, unchanged: all.length - found.length },
    findings: reported.sort(byPlace),
    problems: [...problems, ...ofComments].sort((a, b) => compare(a.path, b.path)),
    seconds: (performance.now() - started) / 1000,
  };
}

/** What is found in changed files as they were. */
async function foundBefore(
  since: ChangedSince,
  scorer: FileScorer,
  findings: readonly Finding[],
): Promise<readonly Finding[]> {
  const paths = [...new Set(findings.map(({ path }) => path))];
  for await (const [path, bytes] of since.before(paths)) {
    const source = textOf(bytes);
    if (source.kind === "text") await scorer.add(path, source.text);
  }
  await scorer.finish();
  return scorer.take();
}

function byPlace(a: Finding, b: Finding): number {
  return (
    compare(a.path, b.path) ||
    a.region.startLine - b.region.startLine ||
    a.region.endLine - b.region.endLine ||
    compare(a.label, b.label)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function interrupted(done: number, total: number): UserError {
  return new UserError({
    code: "scan/interrupted",
    message: `the scan was stopped after ${done} of ${total} files`,
    fix: "scan again: what was scored is kept, and not scored again",
  });
}
