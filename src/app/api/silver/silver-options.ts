import type { ChosenRule } from "../../tools/choose-vote-rule.ts";
import type { TextKind, ToolAnswers } from "../../tools/tool.ts";
import type { VoteRule } from "../../tools/vote.ts";
import type { PrepareFilesOptions } from "../prepared-rows.ts";

export interface SilverOptions extends Omit<PrepareFilesOptions, "seed"> {
  /** Names of tools. */
  readonly tools: readonly string[];
  /** Taxonomy file that says which rule means which class. */
  readonly taxonomy: string;
  /** File to write: .jsonl or .json, with .gz to pack it. */
  readonly output: string;
  readonly kind: TextKind;
  /** Tools that must find a class for a row to have it; default 1, or what agrees best with `gold`. */
  readonly votes?: number | undefined;
  /** Files of labelled rows, by which each class has the rule of voting that agrees with them best. */
  readonly gold?: readonly string[] | undefined;
}

/** Asks all tools about some texts; `task` is what progress is about. */
export type Ask = (texts: readonly string[], task: string) => Promise<readonly ToolAnswers[]>;

/** A rule, with how it does where that is known. */
export type LabelRule = VoteRule & Partial<Pick<ChosenRule, "f1" | "precision" | "recall">>;
