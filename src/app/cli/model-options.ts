/** What every command that opens a model takes. */
import { type Command, Option } from "commander";
import type { LoadModelOptions } from "../api/load-model.ts";
import { wholeNumber } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** Adds the argument `model` and where and how it runs. */
export function addModelOptions(command: Command): void {
  command
    .argument("<model>", "run folder, adapter folder or model folder; or ORG/NAME[@revision] on the hub")
    .option("--base <model>", "the base model, where it is not what the run or adapter says: a folder, or ORG/NAME")
    .option("--recipe <file>", "recipe that says how rows are read; a run brings its own");
  addDeviceOptions(command);
}

/** Adds where and how models run. */
export function addDeviceOptions(command: Command): void {
  command
    .addOption(
      new Option("--device <device>", "where it runs").choices(["auto", "cuda", "cpu", "reference"]).default("auto"),
    )
    .addOption(new Option("--precision <format>", "of products").choices(["auto", "f32", "bf16"]).default("auto"))
    .option("--threads <count>", "CPU threads; default: all", wholeNumber(1));
}

/** How the command line wants the model loaded. */
export function loadOptions(command: Command, terminal: Terminal): LoadModelOptions {
  const { base, recipe, device, precision, threads } = command.opts<LoadModelOptions>();
  return { base, recipe, device, precision, threads, onEvent: terminal.onEvent };
}
