/** What every command takes that looks at data as a model would. */
import type { Command } from "commander";
import type { ContextOptions } from "../inspect/data-context.ts";
import { collect } from "./options.ts";
import { addReadingOptions, type ReadingFlags } from "./reading-options.ts";

/** Adds the argument `data`, and whose eyes it is looked at with. */
export function addContextOptions(command: Command): void {
  command
    .argument("<data>", "data file, or recipe (YAML) with its sets")
    .option("--recipe <file>", "recipe that says how the data file is read, and the model")
    .option("--model <model>", "run, adapter or model whose tokenizer and template are taken; or ORG/NAME on the hub")
    .option("--set <option=value>", "override an option of the recipe, e.g. template.max_length=512", collect, []);
  addReadingOptions(command);
}

/** As the command line says. */
export function contextOptions(command: Command): ContextOptions {
  const { column: columns, ...options } = command.opts<ReadingFlags & ContextOptions>();
  return { ...options, columns };
}
