/** A trained classifier over the files of a tree. */
import { createHash } from "node:crypto";
import { UserError } from "../../base/errors.ts";
import { packageVersion } from "../../base/package-root.ts";
import { lineStarts } from "../../tune/data/windows.ts";
import type { LoadedModel } from "../api/load-model.ts";
import { ScanCache } from "./cache/scan-cache.ts";
import { findingsOf } from "./findings.ts";
import { ChangedSince } from "./gate/changed-since.ts";
import { InlineIgnores } from "./gate/inline-ignores.ts";
import { inAdvance } from "./in-advance.ts";
import { readSource, textOf } from "./read-source.ts";
import { findScanModel, type LazyModel, type ScanModelOptions, scanFolder } from "./scan-model.ts";
import type { Finding, ScanCounts, ScanProblem, ScanResult } from "./scan-result.ts";
import { type ScoredWindow, TextScorer } from "./score-texts.ts";
import { FileGlobs } from "./walk/file-globs.ts";
import { scanRoot } from "./walk/scan-root.ts";
import { walkTree } from "./walk/walk-tree.ts";

export interface ScanOptions extends ScanModelOptions {
  /** Files and folders; default: the working directory. */
  readonly paths?: readonly string[] | undefined;
  /** False: what git leaves out is scanned too. */
  readonly gitignore?: boolean | undefined;
  /** False: nothing is taken from earlier scans, and nothing kept for later ones. */
  readonly cache?: boolean | undefined;
  /** Larger files are not scanned, and told; default 2 MiB. */
  readonly maxFileBytes?: number | undefined;
  /** Only what changed since the merge base of this commit: files, and of their findings those of the change. */
  readonly diffBase?: string | undefined;
  /** Aborted: what was scored so far is kept, and the scan ends with an error. */
  readonly signal?: AbortSignal | undefined;
}

const MOST_FILE_BYTES = 2 * 2 ** 20;
/** Files that are read before it is their turn. */
const READ_IN_ADVANCE = 64;
/** Texts, and their characters, that are scored together. */
const BATCH_TEXTS = 256;
const BATCH_CHARACTERS = 4 * 2 ** 20;
const FILES_PER_EVENT = 64;

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
  const root = scanRoot(paths, process.cwd());
  const problems: ScanProblem[] = [];
  const files = new FileGlobs(model.settings.files);
  const onProblem = (problem: ScanProblem): void => void problems.push(problem);
  const since = options.diffBase === undefined ? undefined : await ChangedSince.open(root, options.diffBase);
  const all = [...walkTree({ paths, root, files, gitignore, onProblem })];
  const found = since === undefined ? all : all.filter(({ path }) => since.has(path));
  const tell = (message: string): void => onEvent({ kind: "note", level: "warning", message });
  if (all.length === 0) tell(`there is no file that the model is for: ${files.patterns.join(", ")}`);

  const known = cache ? new ScanCache(scanFolder(), model.fingerprint, tell) : undefined;
  using scanned = new ScannedFiles(model, known, onProblem);
  const ignores = new InlineIgnores([...model.rules.keys()]);
  const read = inAdvance(
    found,
    ({ location }) => readSource(location, options.maxFileBytes ?? MOST_FILE_BYTES),
    READ_IN_ADVANCE,
  );
  let done = 0;
  for await (const [{ path }, source] of read) {
    if (options.signal?.aborted) throw interrupted(done, found.length);
    if (source.kind === "problem") onProblem({ path, message: source.message, fatal: source.fatal });
    else {
      if (source.note) onProblem({ path, message: source.note, fatal: false });
      ignores.read(path, source.text);
      await scanned.add(path, source.text);
    }
    done++;
    if (done % FILES_PER_EVENT === 0) {
      onEvent({ kind: "progress", task: "scan", done: done - scanned.waiting, total: found.length, unit: "files" });
    }
  }
  await scanned.finish();
  onEvent({ kind: "progress", task: "scan", done, total: Math.max(done, 1), unit: "files" });
  const counts = { ...scanned.counts };
  const { findings, problems: ofComments } = ignores.apply(scanned.take());
  const reported = since === undefined ? findings : since.select(findings, await foundBefore(since, scanned, findings));
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
  scanned: ScannedFiles,
  findings: readonly Finding[],
): Promise<readonly Finding[]> {
  const paths = [...new Set(findings.map(({ path }) => path))];
  for await (const [path, bytes] of since.before(paths)) {
    const source = textOf(bytes);
    if (source.kind === "text") await scanned.add(path, source.text);
  }
  await scanned.finish();
  return scanned.take();
}

/** A text of a file that is not scored yet. */
interface WaitingText {
  readonly path: string;
  readonly text: string;
  readonly key: string;
}

/** Findings of files, scored many at a time. */
class ScannedFiles implements Disposable {
  readonly #findings: Finding[] = [];
  readonly #model: LazyModel;
  readonly #cache: ScanCache | undefined;
  readonly #onProblem: (problem: ScanProblem) => void;
  readonly #counts = { scored: 0, cached: 0, empty: 0, texts: 0 };
  #opened: LoadedModel | undefined;
  #scorer: TextScorer | undefined;
  #waiting: WaitingText[] = [];
  #characters = 0;

  constructor(model: LazyModel, cache: ScanCache | undefined, onProblem: (problem: ScanProblem) => void) {
    this.#model = model;
    this.#cache = cache;
    this.#onProblem = onProblem;
  }

  get counts(): Omit<ScanCounts, "found" | "unchanged"> {
    return this.#counts;
  }

  /** Files that have no findings yet, because they are not scored. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** What was found since it was last asked. */
  take(): Finding[] {
    return this.#findings.splice(0);
  }

  async add(path: string, text: string): Promise<void> {
    if (text.trim() === "") {
      this.#counts.empty++;
      return;
    }
    const key = createHash("sha256").update(text).digest("hex");
    const known = this.#cache?.get(key) as readonly ScoredWindow[] | undefined;
    if (known !== undefined) {
      this.#counts.cached++;
      this.#take(path, text, known);
      return;
    }
    this.#waiting.push({ path, text, key });
    this.#characters += text.length;
    if (this.#waiting.length >= BATCH_TEXTS || this.#characters >= BATCH_CHARACTERS) await this.finish();
  }

  /** Scores what waits. */
  async finish(): Promise<void> {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    this.#characters = 0;
    this.#opened ??= await this.#model.open();
    this.#scorer ??= new TextScorer(this.#opened, this.#model.labels);
    const texts = new Map(waiting.map(({ key, text }) => [key, text]));
    const scores = await this.#scorer.score([...texts.values()]);
    const byKey = new Map([...texts.keys()].map((key, i) => [key, scores[i]!]));
    for (const [key, scored] of byKey) if (typeof scored !== "string") this.#cache?.put(key, scored);
    this.#cache?.flush();
    for (const { path, text, key } of waiting) {
      const scored = byKey.get(key)!;
      if (typeof scored === "string") this.#onProblem({ path, message: `it cannot be scored: ${scored}`, fatal: true });
      else {
        this.#counts.scored++;
        this.#take(path, text, scored);
      }
    }
  }

  #take(path: string, text: string, windows: readonly ScoredWindow[]): void {
    this.#counts.texts += windows.length;
    const starts = lineStarts(text);
    const lines = starts.slice(0, -1).map((start, i) => text.slice(start, starts[i + 1]).replace(/\r?\n$/, ""));
    this.#findings.push(...findingsOf(path, lines, { startLine: 1, windows }, this.#model));
  }

  [Symbol.dispose](): void {
    this.#opened?.[Symbol.dispose]();
  }
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
