import type { CommandEntry, CommandGroup } from "../../entry.ts";

/** What `fettle data --help` lists. */
export const dataCommands: readonly (CommandEntry | CommandGroup)[] = [
  {
    name: "convert",
    summary: "Write rows in another format or shape, refusing what would lose any of them",
    load: async () => (await import("./convert.ts")).convert,
  },
];
