import type { CommandEntry, CommandGroup } from "../../../entry.ts";

/** What `fettle data label-studio --help` lists. */
export const labelStudioCommands: readonly (CommandEntry | CommandGroup)[] = [
  {
    name: "export",
    summary: "Out: rows of files become tasks of a project, with a model's answers to start from",
    load: async () => (await import("./export.ts")).exportCommand,
  },
  {
    name: "import",
    summary: "In: what people labelled in a project becomes rows of a file",
    load: async () => (await import("./import.ts")).importCommand,
  },
];
