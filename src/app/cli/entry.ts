import type { CommandModule } from "./command.ts";

/** What help lists. A command's module is loaded when it runs: the engine takes longer to load than help. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

/** Commands under a common first word, such as `fettle data stats`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly (CommandEntry | CommandGroup)[];
}

/** A command and the words that call it. */
export interface NamedCommand {
  readonly path: readonly string[];
  readonly entry: CommandEntry | CommandGroup;
}

/** Groups and commands at any depth, each group before its members. */
export function allCommands(
  entries: readonly (CommandEntry | CommandGroup)[],
  before: readonly string[] = [],
): readonly NamedCommand[] {
  return entries.flatMap((entry) => {
    const path = [...before, entry.name];
    return [{ path, entry }, ...("commands" in entry ? allCommands(entry.commands, path) : [])];
  });
}
