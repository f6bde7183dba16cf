/** Texts to tools, and what they say of them. */
import { availableParallelism } from "node:os";
import type { EventSink } from "../../base/events.ts";
import type { Taxonomy } from "../../base/taxonomy/taxonomy.ts";
import { type Answer, AnswerCache } from "./answer-cache.ts";
import { classifyFindings } from "./classify-findings.ts";
import { runBatches } from "./run-batches.ts";
import type { TextKind, ToolAnswers, ToolProgram } from "./tool.ts";

export interface AskToolsOptions {
  readonly kind: TextKind;
  readonly taxonomy: Taxonomy;
  /** Where answers are kept; undefined keeps none. */
  readonly cacheFolder: string | undefined;
  /** Processes at a time; default one for each core. */
  readonly processes?: number | undefined;
  readonly onEvent?: EventSink | undefined;
}

/**
 * Asks one tool after the other; texts that were asked about before are answered from the cache, copies once.
 * @throws UserError when a tool fails on everything it is given
 */
export async function askTools(
  programs: readonly ToolProgram[],
  texts: readonly string[],
  options: AskToolsOptions,
): Promise<readonly ToolAnswers[]> {
  const answers: ToolAnswers[] = [];
  for (const program of programs) answers.push(await askTool(program, texts, options));
  return answers;
}

async function askTool(
  program: ToolProgram,
  texts: readonly string[],
  { kind, taxonomy, cacheFolder, processes = availableParallelism(), onEvent = () => {} }: AskToolsOptions,
): Promise<ToolAnswers> {
  const { name } = program.tool;
  const cache = await AnswerCache.open(program, kind, cacheFolder);
  const known = new Map<string, Answer>();
  const wanted: string[] = [];
  for (const text of new Set(texts)) {
    const answer = await cache.get(text);
    if (answer === undefined) wanted.push(text);
    else known.set(text, answer);
  }
  const worked = known.size > 0;
  let waiting = wanted.length;
  const progress = (): void =>
    onEvent({ kind: "progress", task: name, done: known.size, total: known.size + waiting, unit: "files" });
  const started = performance.now();
  if (waiting > 0) {
    progress();
    for await (const [text, answer] of runBatches(program, wanted, kind, { processes, worked })) {
      known.set(text, answer);
      if (answer.lasting) await cache.set(text, answer);
      waiting--;
      progress();
    }
  }
  const seconds = wanted.length === 0 ? undefined : (performance.now() - started) / 1000;
  tellUnread(name, texts, known, onEvent);
  const findings = texts.map((text) => known.get(text)?.findings);
  return { tool: name, version: program.version, ...classifyFindings(name, findings, taxonomy), seconds };
}

/** Reasons that are shown. */
const MAX_REASONS = 3;

function tellUnread(
  name: string,
  texts: readonly string[],
  known: ReadonlyMap<string, Answer>,
  onEvent: EventSink,
): void {
  const reasons = texts.flatMap((text) => known.get(text)?.unread ?? []);
  if (reasons.length === 0) return;
  const shown = [...new Set(reasons)].slice(0, MAX_REASONS).map((reason) => reason.slice(0, 120));
  const message = `${name} could not read ${reasons.length} of ${texts.length} files: ${shown.join("; ")}`;
  onEvent({ kind: "note", level: "warning", message });
}
