import type { Command } from "commander";
import type { Terminal } from "./terminal.ts";

/** What a command found out. */
export interface CommandOutcome {
  /** The one object that `--json` prints. */
  readonly json: object;
  /** False: it ran, and the answer is no (exit code 1). Default true. */
  readonly passed?: boolean;
  /** Of another process that did the work, and has printed all there is to print. */
  readonly exitCode?: number;
  /** False: a part of what was asked could not be done (exit code 2). Default true. */
  readonly whole?: boolean;
}

/** One command: how it is called, and what it does. `--json`, `--help`, errors and exit codes are not its business. */
export interface CommandModule {
  /** Adds arguments, options and examples. */
  readonly define: (command: Command) => void;
  /**
   * Runs with the parsed arguments of `command`. Text for people goes to the terminal, which drops it under `--json`.
   * @throws UserError when it cannot run
   */
  readonly run: (command: Command, terminal: Terminal) => Promise<CommandOutcome>;
}

/** Examples at the end of a command's help: command line and what it is for. */
export function addExamples(command: Command, examples: readonly (readonly [line: string, purpose: string])[]): void {
  const lines = examples.map(([line, purpose]) => `  ${line}\n      ${purpose}`);
  command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}
