/** From words on the command line to an exit code: 0 done, 1 the answer is no, 2 it could not run. */
import { Command, CommanderError } from "commander";
import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import { packageVersion } from "../../base/package-root.ts";
import type { CommandOutcome } from "./command.ts";
import { commands } from "./commands.ts";
import type { CommandEntry, CommandGroup } from "./entry.ts";
import { failureJson, failureText } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

/** @param words the arguments after `fettle` */
export async function runCli(words: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const outcome = await dispatch(words, terminal);
    if (outcome.exitCode !== undefined) return outcome.exitCode;
    if (terminal.json) terminal.printJson(outcome.json);
    if (outcome.whole === false) return 2;
    return (outcome.passed ?? true) ? 0 : 1;
  } catch (error) {
    terminal.log(failureText(error));
    if (terminal.json) terminal.printJson({ error: failureJson(error) });
    return 2;
  } finally {
    terminal.endProgress();
  }
}

async function dispatch(words: readonly string[], terminal: Terminal): Promise<CommandOutcome> {
  const args = words[0] === "--json" ? words.slice(1) : words;
  if (args[0] === "--version" || args[0] === "-V") return tell(terminal, { version: packageVersion }, packageVersion);
  if (args[0] === "help") return find([...args.slice(1), "--help"], commands, [], terminal);
  return find(args, commands, [], terminal);
}

/** @param path the words that were followed to `entries` */
async function find(
  [name, ...rest]: readonly string[],
  entries: readonly (CommandEntry | CommandGroup)[],
  path: readonly string[],
  terminal: Terminal,
): Promise<CommandOutcome> {
  const given = name === "--json" ? rest[0] : name;
  if (given === undefined || given === "--help" || given === "-h") {
    const help = path.length === 0 ? rootHelp() : groupHelp(path, entries);
    return tell(terminal, { help }, help);
  }
  const entry = entries.find((command) => command.name === name);
  if (entry === undefined) throw unknownCommand(given, entries, path);
  const here = [...path, entry.name];
  return "commands" in entry ? find(rest, entry.commands, here, terminal) : runCommand(entry, here, rest, terminal);
}

function tell(terminal: Terminal, json: object, text: string): CommandOutcome {
  terminal.print(text.trimEnd());
  return { json };
}

async function runCommand(
  entry: CommandEntry,
  path: readonly string[],
  args: readonly string[],
  terminal: Terminal,
): Promise<CommandOutcome> {
  const { define, run } = await entry.load();
  const texts: string[] = [];
  const command = new Command(["fettle", ...path].join(" "))
    .description(entry.summary)
    .exitOverride()
    .configureOutput({ writeOut: (text) => texts.push(text), writeErr: () => {} })
    .configureHelp({ helpWidth: Math.min(process.stdout.columns ?? 100, 120) });
  define(command);
  command.option("--json", "print one JSON object on stdout and nothing else there").action(() => {});
  try {
    command.parse(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const text = texts.join("");
    if (error.exitCode === 0) return tell(terminal, { help: text }, text);
    throw wrongUse(error, command);
  }
  return run(command, terminal);
}

/** Commander's message with its suggestion, as one of our errors. */
function wrongUse({ code, message }: CommanderError, command: Command): UserError {
  const [what, suggestion] = message.replace(/^error: /, "").split("\n");
  const hint = suggestion === undefined ? "" : `${suggestion.replace(/^\(|\)$/g, "").replace("Did", "did")} `;
  return new UserError({
    code: `cli/${code.replace("commander.", "")}`,
    message: what!,
    fix: `${hint}usage: ${command.name()} ${command.usage()}; --help explains it`,
  });
}

function unknownCommand(
  name: string,
  entries: readonly (CommandEntry | CommandGroup)[],
  path: readonly string[],
): UserError {
  const names = entries.map((command) => command.name);
  const isOption = name.startsWith("-");
  const prefix = ["fettle", ...path].join(" ");
  return new UserError({
    code: isOption ? "cli/no-command" : "cli/unknown-command",
    message: isOption ? `a command must come before ${name}` : `there is no command "${[...path, name].join(" ")}"`,
    fix: isOption ? `write it like \`${prefix} ${names.at(1) ?? names[0]} ${name}\`` : suggestName(name, names),
  });
}

function groupHelp(path: readonly string[], entries: readonly (CommandEntry | CommandGroup)[]): string {
  const name = ["fettle", ...path].join(" ");
  return [
    `Usage: ${name} COMMAND [ARGUMENTS]`,
    "",
    "Commands:",
    ...commandLines(entries),
    "",
    `\`${name} COMMAND --help\` explains one.`,
  ].join("\n");
}

function commandLines(entries: readonly (CommandEntry | CommandGroup)[]): string[] {
  const width = Math.max(...entries.map(({ name }) => name.length));
  return entries.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
}

function rootHelp(): string {
  return [
    "Fettle: fine-tune language models into classifiers and instruction followers.",
    "",
    "Usage: fettle COMMAND [ARGUMENTS]",
    "",
    "Commands:",
    ...commandLines(commands),
    "",
    "`fettle COMMAND --help` explains a command. Every command takes --json: one JSON object on stdout, and nothing",
    "else there; progress and logs go to stderr. Exit codes: 0 done, 1 it ran but the answer is no (a gate was",
    "missed), 2 it could not run.",
    "",
    "Environment: FETTLE_CACHE (folder of compiled kernels, and of rows that do not fit memory; default ~/.cache/fettle),",
    "CC (C compiler), FETTLE_CUDA_LIBRARIES (folder of libnvrtc and libcublasLt, where they are not found), NO_COLOR; and",
    "for models of the Hugging Face hub HF_HOME, HF_HUB_CACHE, HF_TOKEN, HF_ENDPOINT and HF_HUB_OFFLINE, as in Python.",
    "",
    "Start with: fettle quickstart",
  ].join("\n");
}
