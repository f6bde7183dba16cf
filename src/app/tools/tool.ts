/** Scanners that stand beside the model: run on the same files, their findings as labels of the same taxonomy. */
import type { Severity } from "../../base/taxonomy/taxonomy.ts";

export interface Tool {
  /** As in the taxonomy: `hadolint`. */
  readonly name: string;
  /** How to get it, one line a way. */
  readonly install: readonly string[];
  /** Environment variable with the path of its program, before `PATH` is searched. */
  readonly variable: string;
  /** @returns the version that the program says of itself */
  readonly version: (program: string) => Promise<string>;
  /**
   * Runs the program on files that lie in a folder of their own.
   * @param files names in the folder, such as `12/Dockerfile`
   * @throws UserError when the program fails or its output cannot be read
   */
  readonly run: (program: string, folder: string, files: readonly string[]) => Promise<readonly ToolFinding[]>;
}

export interface ToolFinding {
  /** One of the files given. */
  readonly file: string;
  readonly rule: string;
  readonly message: string;
  readonly severity: Severity | undefined;
  /** Lines from 1; undefined where the tool names none. */
  readonly startLine?: number | undefined;
  readonly endLine?: number | undefined;
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
