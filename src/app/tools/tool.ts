/** Scanners that stand beside the model: run on the same files, their findings as labels of the same taxonomy. */
import type { Severity } from "../../base/taxonomy/taxonomy.ts";

/** What texts are; tools know a file by its name. */
export type TextKind = "dockerfile" | "java" | "solidity";

/** One scanner: where its program is found, how it is called, what its output means. */
export interface Tool {
  /** As in the taxonomy: `hadolint`. */
  readonly name: string;
  /** What it can be asked about. */
  readonly kinds: readonly TextKind[];
  /** How to get it, one line a way. */
  readonly install: readonly string[];
  /** Environment variable with the path of its program, before `PATH` is searched for `name`. */
  readonly variable: string;
  /** Folder of rules without which the program finds nothing. */
  readonly rules?: ToolRules;
  /** Goes up when the program is called or read in another way, so that older answers in the cache no longer count. */
  readonly adapter: number;
  /** Files that one process takes; 1 for a tool whose answer about a file depends on the others. */
  readonly batch: number;
  /** @returns the version that the program says of itself */
  readonly version: (path: string) => Promise<string>;
  /**
   * Runs the program on files that lie in a folder of their own.
   * @param files names in the folder, such as `12/Dockerfile`
   * @returns texts that it wrote
   * @throws UserError when the program fails
   */
  readonly run: (program: ToolProgram, folder: string, files: readonly string[]) => Promise<readonly string[]>;
  /** What the texts of a run say. @throws UserError for what is not known of the tool's output */
  readonly read: (output: readonly string[], files: readonly string[]) => ToolRun;
}

export interface ToolRules {
  /** Environment variable with the folder's path. */
  readonly variable: string;
  /** Where the folder comes from. */
  readonly install: string;
}

/** A tool as it was found on this machine. */
export interface ToolProgram {
  readonly tool: Tool;
  readonly path: string;
  /** Folder, for tools that have `rules`. */
  readonly rules: string | undefined;
  readonly version: string;
}

/** What a tool says of one text. */
export interface ToolFinding {
  readonly rule: string;
  readonly message: string;
  readonly severity: Severity | undefined;
  /** Lines from 1; undefined where the tool names none. */
  readonly startLine?: number | undefined;
  readonly endLine?: number | undefined;
}

export interface ToolRun {
  /** By file; a file that the tool could read, and found nothing in, is not there. */
  readonly findings: ReadonlyMap<string, readonly ToolFinding[]>;
  /** File -> why the tool could not read it. */
  readonly unread: ReadonlyMap<string, string>;
}

/** What a tool says of texts, each text a file. */
export interface ToolAnswers {
  readonly tool: string;
  readonly version: string;
  /** [texts] findings; undefined where the tool could not read the text. */
  readonly findings: readonly (readonly ToolFinding[] | undefined)[];
  /** [texts] classes of the taxonomy that the findings' rules belong to. */
  readonly labels: readonly (readonly string[] | undefined)[];
  /** Rules that the taxonomy does not know, with how often they came. */
  readonly unknownRules: ReadonlyMap<string, number>;
  /** Wall time; undefined when all came from the cache. */
  readonly seconds: number | undefined;
}
