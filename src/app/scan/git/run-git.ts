import { spawn } from "node:child_process";
import { devNull } from "node:os";

/**
 * The repository is not trusted: of what its configuration could have run, nothing is; no lock is taken, nothing asked.
 * `--no-ext-diff` and `--no-textconv` stand with the commands that know them.
 */
const GUARDS = ["-c", "core.fsmonitor=false", "-c", `core.hooksPath=${devNull}`, "--no-optional-locks", "--no-pager"];

const MAX_MESSAGE = 500;

export interface GitAnswer {
  /** Undefined: git itself could not be run. */
  readonly code: number | undefined;
  /** Empty where `onData` took it. */
  readonly stdout: Buffer;
  /** What git said about it, in short. */
  readonly message: string;
}

export interface GitInput {
  readonly input?: string;
  /** Settings in place of the repository's, by their whole names. */
  readonly settings?: ReadonlyMap<string, string>;
  /** Takes the answer piece by piece. */
  readonly onData?: (piece: Buffer) => void;
}

/** Runs git in a folder, without a shell, and waits for its end. */
export function runGit(
  folder: string,
  words: readonly string[],
  { input, settings, onData }: GitInput = {},
): Promise<GitAnswer> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let message = "";
    const env = { ...process.env, ...settingsEnvironment(settings), LC_ALL: "C", GIT_TERMINAL_PROMPT: "0" };
    const child = spawn("git", [...GUARDS, "-C", folder, ...words], { env, stdio: ["pipe", "pipe", "pipe"] });
    const end = (code: number | undefined): void =>
      resolve({ code, stdout: Buffer.concat(pieces), message: message.trim().replace(/^(?:fatal|error): /, "") });
    child.on("error", (error) => {
      message = error.message;
      end(undefined);
    });
    child.on("close", (code) => end(code ?? -1));
    child.stdout.on("data", onData ?? ((piece: Buffer) => pieces.push(piece)));
    child.stderr.on("data", (piece: Buffer) => {
      if (message.length < MAX_MESSAGE) message += piece.toString().slice(0, MAX_MESSAGE);
    });
    child.stdin.on("error", () => {}); // It may end without reading.
    child.stdin.end(input ?? "");
  });
}

/** https://git-scm.com/docs/git-config#Documentation/git-config.txt-GITCONFIGCOUNT: names may hold any character. */
function settingsEnvironment(settings: ReadonlyMap<string, string> = new Map()): Readonly<Record<string, string>> {
  if (settings.size === 0) return {};
  const entries = [...settings].flatMap(([name, value], i) => [
    [`GIT_CONFIG_KEY_${i}`, name],
    [`GIT_CONFIG_VALUE_${i}`, value],
  ]);
  return { GIT_CONFIG_COUNT: `${settings.size}`, ...Object.fromEntries(entries) };
}
