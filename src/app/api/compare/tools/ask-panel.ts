import type { EventSink } from "../../../../base/events.ts";
import { loadTaxonomy } from "../../../../base/taxonomy/load-taxonomy.ts";
import { deviceEnvironment } from "../../../environment.ts";
import { askTools } from "../../../tools/ask-tools.ts";
import { classifyFindings } from "../../../tools/classify-findings.ts";
import { findTools } from "../../../tools/find-tools.ts";
import type { TextKind, ToolAnswers } from "../../../tools/tool.ts";
import { keptFindings, readToolAnswers, writeToolAnswers } from "./tool-answers-file.ts";
import { ToolPanel } from "./tool-panel.ts";

export interface PanelOptions {
  readonly names: readonly string[];
  /** File that says which rules mean which label. */
  readonly taxonomy: string;
  /** What the texts are. */
  readonly kind: TextKind;
  /** File with what the tools said, read where it is there and written otherwise. */
  readonly kept: string | undefined;
}

/** Tools that can be asked. @param texts all different */
export type AskPanel = (texts: readonly string[]) => Promise<ToolPanel>;

/**
 * Finds tools and taxonomy before anything is scored.
 * @throws UserError when a tool is missing, or a file cannot be read
 */
export async function findPanel({ names, taxonomy, kind, kept }: PanelOptions, onEvent: EventSink): Promise<AskPanel> {
  const classes = loadTaxonomy(taxonomy);
  const wanted = [...new Set(names)];
  const before = kept === undefined ? undefined : readToolAnswers(kept, wanted);
  if (before !== undefined) {
    const reason = "the file is there: no tool is run";
    onEvent({ kind: "choice", name: "answers of tools", value: kept!, reason });
    return async (texts) => {
      const answers = before.map((own): ToolAnswers => {
        const findings = keptFindings(kept!, own, texts);
        return { ...own, ...classifyFindings(own.tool, findings, classes), seconds: undefined };
      });
      return new ToolPanel(classes, texts, answers);
    };
  }
  const programs = await findTools(wanted, kind);
  return async (texts) => {
    const { cacheFolder } = deviceEnvironment();
    const answers = await askTools(programs, texts, { kind, taxonomy: classes, cacheFolder, onEvent });
    if (kept !== undefined) writeToolAnswers(kept, texts, answers);
    return new ToolPanel(classes, texts, answers);
  };
}
