/** From words on the command line to an exit code: 0 done, 1 the answer is no, 2 it could not run. */
import { Command, CommanderError } from "commander";
import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import { packageVersion } from "../../base/package-root.ts";
import type { CommandOutcome } from "./command.ts";
import { type CommandEntry, commands } from "./commands.ts";
import { failureJson, failureText } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

/** @param words the arguments after `fettle` */
export async function runCli(words: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const outcome = await dispatch(words, terminal);
    if (terminal.json) terminal.printJson(outcome.json);
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
  const [first, ...rest] = words.filter((word, i) => i > 0 || word !== "--json");
  if (first === "--version" || first === "-V") return tell(terminal, { version: packageVersion }, packageVersion);
  if (first === undefined || first === "--help" || first === "-h" || (first === "help" && rest.length === 0)) {
    const help = rootHelp();
    return tell(terminal, { help }, help);
  }
  const [name, args] = first === "help" ? [rest[0]!, ["--help"]] : [first, rest];
  const entry = commands.find((command) => command.name === name);
  if (entry === undefined) throw unknownCommand(name);
  return runCommand(entry, args, terminal);
}

function tell(terminal: Terminal, json: object, text: string): CommandOutcome {
  terminal.print(text.trimEnd());
  return { json };
}

async function runCommand(entry: CommandEntry, args: readonly string[], terminal: Terminal): Promise<CommandOutcome> {
  const { define, run } = await entry.load();
  const texts: string[] = [];
  const command = new Command(`fettle ${entry.name}`)
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

function unknownCommand(name: string): UserError {
  const names = commands.map((command) => command.name);
  const isOption = name.startsWith("-");
  return new UserError({
    code: isOption ? "cli/no-command" : "cli/unknown-command",
    message: isOption ? `a command must come before ${name}` : `there is no command "${name}"`,
    fix: isOption ? `write it like \`fettle ${names[1]} ${name}\`` : suggestName(name, names),
  });
}

function rootHelp(): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    "Fettle: fine-tune language models into classifiers and instruction followers.",
    "",
    "Usage: fettle COMMAND [ARGUMENTS]",
    "",
    "Commands:",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    "`fettle COMMAND --help` explains a command. Every command takes --json: one JSON object on stdout, and nothing",
    "else there; progress and logs go to stderr. Exit codes: 0 done, 1 it ran but the answer is no (a gate was",
    "missed), 2 it could not run.",
    "",
    "Environment: FETTLE_CACHE (folder of compiled kernels, default ~/.cache/fettle), CC (C compiler),",
    "FETTLE_CUDA_LIBRARIES (folder of libnvrtc and libcublasLt, where they are not found), NO_COLOR; and for models of",
    "the Hugging Face hub HF_HOME, HF_HUB_CACHE, HF_TOKEN, HF_ENDPOINT and HF_HUB_OFFLINE, as in Python.",
    "",
    "Start with: fettle quickstart",
  ].join("\n");
}
