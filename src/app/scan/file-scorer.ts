/** Findings of files, scored many at a time; the model is opened for the first text that no earlier scan has scored. */
import { lineStarts } from "../../tune/data/windows.ts";
import type { LoadedModel } from "../api/load-model.ts";
import type { ScanCache } from "./cache/scan-cache.ts";
import { FileUnits, type KeyedUnit } from "./file-units.ts";
import { findingsOf } from "./findings.ts";
import { hasRegions, withRegions } from "./locate-findings.ts";
import type { LazyModel } from "./scan-model.ts";
import type { Finding, ScanCounts, ScanProblem } from "./scan-result.ts";
import { type ScoredText, type ScoredWindow, TextScorer } from "./score-texts.ts";

/** Texts, and their characters, that are scored together. */
const BATCH_TEXTS = 64;
const BATCH_CHARACTERS = 2 ** 20;

/** A file with texts that are not scored yet. */
interface WaitingFile {
  readonly path: string;
  readonly text: string;
  readonly units: readonly KeyedUnit[];
}

export class FileScorer implements Disposable {
  readonly #findings: Finding[] = [];
  readonly #model: LazyModel;
  readonly #cache: ScanCache | undefined;
  readonly #units: FileUnits;
  readonly #onProblem: (problem: ScanProblem) => void;
  readonly #counts = { scored: 0, cached: 0, empty: 0, texts: 0 };
  #opened: LoadedModel | undefined;
  #scorer: TextScorer | undefined;
  #waiting: WaitingFile[] = [];
  /** Not scored yet: key -> text. */
  #texts = new Map<string, string>();
  #characters = 0;

  constructor(model: LazyModel, cache: ScanCache | undefined, onProblem: (problem: ScanProblem) => void) {
    this.#model = model;
    this.#cache = cache;
    this.#onProblem = onProblem;
    this.#units = new FileUnits(model.settings.unit, cache, (key) => this.#isKnown(key), onProblem);
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
    const units = await this.#units.of(path, text);
    if (units === undefined) return;
    const open = units.filter(({ key }) => !this.#isKnown(key));
    if (units.length === 0) this.#counts.empty++;
    else if (open.length === 0) {
      this.#counts.cached++;
      this.#take({ path, text, units }, (key) => this.#cache!.get(key) as readonly ScoredWindow[]);
    } else {
      this.#waiting.push({ path, text, units });
      for (const unit of open) this.#texts.set(unit.key, unit.text!);
      this.#characters += text.length;
      if (this.#texts.size >= BATCH_TEXTS || this.#characters >= BATCH_CHARACTERS) await this.finish();
    }
  }

  /** Whether the cache has its scores and, for all that is found by them, its regions. */
  #isKnown(key: string): boolean {
    if (this.#cache?.has(key) !== true) return false;
    return !this.#model.regions || hasRegions(this.#cache.get(key) as readonly ScoredWindow[], this.#model);
  }

  /** Scores what waits. */
  async finish(): Promise<void> {
    const [files, texts] = [this.#waiting, this.#texts];
    if (files.length === 0) return;
    [this.#waiting, this.#texts, this.#characters] = [[], new Map(), 0];
    this.#opened ??= await this.#model.open();
    this.#scorer ??= new TextScorer(this.#opened, this.#model.labels, this.#model.settings.text);
    const scored = await this.#scorer.score([...texts.values()]);
    const scores = this.#model.regions
      ? await withRegions([...texts.values()], scored, this.#model, this.#scorer)
      : scored;
    const byKey = new Map([...texts.keys()].map((key, i) => [key, scores[i]!]));
    for (const [key, scored] of byKey) if (typeof scored !== "string") this.#cache?.put(key, scored);
    this.#cache?.flush();
    for (const file of files) {
      this.#counts.scored++;
      this.#take(file, (key) => byKey.get(key) ?? (this.#cache!.get(key) as readonly ScoredWindow[]));
    }
  }

  #take({ path, text, units }: WaitingFile, scoreOf: (key: string) => ScoredText): void {
    const starts = lineStarts(text);
    const lines = starts.slice(0, -1).map((start, i) => text.slice(start, starts[i + 1]).replace(/\r?\n$/, ""));
    for (const { key, startLine, name } of units) {
      const windows = scoreOf(key);
      if (typeof windows === "string") {
        this.#onProblem({ path, message: `${name ?? "it"} cannot be scored: ${windows}`, fatal: true });
        continue;
      }
      this.#counts.texts += windows.length;
      this.#findings.push(...findingsOf(path, lines, { startLine, name, windows }, this.#model));
    }
  }

  [Symbol.dispose](): void {
    this.#opened?.[Symbol.dispose]();
  }
}
