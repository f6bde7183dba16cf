import type { CommandEntry, CommandGroup } from "../../entry.ts";
import { labelStudioCommands } from "./label-studio/label-studio-commands.ts";

/** What `fettle data --help` lists. */
export const dataCommands: readonly (CommandEntry | CommandGroup)[] = [
  {
    name: "stats",
    summary: "Rows, labels, lengths, duplicates, what is cut, and what packing will save",
    load: async () => (await import("./stats.ts")).stats,
  },
  {
    name: "show",
    summary: "Rows as a model will be given them, with what is learnt marked, before any training",
    load: async () => (await import("./show.ts")).show,
  },
  {
    name: "convert",
    summary: "Write rows in another format or shape, refusing what would lose any of them",
    load: async () => (await import("./convert.ts")).convert,
  },
  {
    name: "split",
    summary: "Write a training, a validation and a test file, with groups and equal texts on one side",
    load: async () => (await import("./split.ts")).split,
  },
  {
    name: "balance",
    summary: "Write the rows of each label as often as is asked for",
    load: async () => (await import("./balance.ts")).balance,
  },
  {
    name: "silver",
    summary: "Label rows by what scanners find in their texts",
    load: async () => (await import("./silver.ts")).silver,
  },
  {
    name: "label-studio",
    summary: "Have rows labelled by people on a Label Studio server, and fetch what they say",
    commands: labelStudioCommands,
  },
];
