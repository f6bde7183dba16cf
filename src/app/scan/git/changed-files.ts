import { UserError } from "../../../base/errors.ts";
import { type ChangedFile, DiffReader } from "./diff-reader.ts";
import { runGit } from "./run-git.ts";

/** What the working tree has changed since it left a commit's history. */
export interface ChangedFiles {
  /** Hash of the merge base. */
  readonly base: string;
  /** By path from the repository's root on: added, altered, renamed and untracked files. */
  readonly files: ReadonlyMap<string, ChangedFile>;
  /** Paths of files that are gone, or have another name now. */
  readonly gone: ReadonlySet<string>;
}

/**
 * Files that differ from the merge base of a commit and HEAD: commits since then, what is staged, what is not, and what
 * git does not know but would not ignore.
 * @param top the repository's root
 * @throws UserError where it is no repository, the commit is unknown, or its history is not here
 */
export async function changedFiles(top: string, commit: string): Promise<ChangedFiles> {
  const base = await mergeBase(top, commit);
  const reader = new DiffReader();
  const diff = [
    "diff",
    "--raw",
    "--patch",
    "-z",
    "--no-abbrev",
    "--unified=0",
    "--inter-hunk-context=0",
    "--find-renames",
  ];
  const safe = ["--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=all"];
  const answer = await runGit(top, [...diff, ...safe, base, "--"], {
    settings: await withoutFilters(top),
    onData: (piece) => reader.add(piece),
  });
  if (answer.code !== 0) throw refused(top, answer.message);
  const { files, gone } = reader.end();

  const others = await runGit(top, ["ls-files", "--others", "--exclude-standard", "-z"]);
  if (others.code !== 0) throw refused(top, others.message);
  const untracked = others.stdout
    .toString()
    .split("\0")
    .filter((path) => path !== "");
  const whole: ChangedFile = { lines: [{ start: 1, end: Number.POSITIVE_INFINITY }] };
  return { base, files: new Map([...files, ...untracked.map((path) => [path, whole] as const)]), gone };
}

/** Settings that take away the commands that the repository itself would have run over files that are compared. */
async function withoutFilters(top: string): Promise<ReadonlyMap<string, string>> {
  const pattern = "^filter\\..*\\.(clean|process)$";
  const { stdout } = await runGit(top, ["config", "--show-scope", "--name-only", "-z", "--get-regexp", pattern]);
  const words = stdout.toString().split("\0");
  const settings = new Map<string, string>();
  for (let i = 0; i + 1 < words.length; i += 2) {
    const [scope, name] = [words[i]!, words[i + 1]!];
    if (scope === "system" || scope === "global") continue;
    settings.set(name, "").set(name.replace(/[^.]+$/, "required"), "false");
  }
  return settings;
}

async function mergeBase(top: string, commit: string): Promise<string> {
  const inside = await runGit(top, ["rev-parse", "--is-inside-work-tree"]);
  if (inside.code !== 0) throw refused(top, inside.message);
  const where = `--diff-base ${commit}`;
  const isShallow = (await runGit(top, ["rev-parse", "--is-shallow-repository"])).stdout.toString().trim() === "true";
  const fix = isShallow
    ? "the clone is shallow: fetch the whole history, with `git fetch --unshallow` or `fetch-depth: 0` of actions/checkout"
    : "give a branch, a tag or a hash that `git log` knows; a branch of the remote is origin/NAME, after `git fetch`";
  const found = await runGit(top, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${commit}^{commit}`]);
  if (found.code !== 0) {
    throw new UserError({ code: "scan/unknown-commit", message: `git knows no commit "${commit}"`, where, fix });
  }
  const hash = found.stdout.toString().trim();
  const base = await runGit(top, ["merge-base", hash, "HEAD"]);
  if (base.code === 0) return base.stdout.toString().trim();
  throw new UserError({
    code: "scan/no-merge-base",
    message: "it has no commit in common with what is checked out",
    where,
    fix: isShallow ? fix : "give a commit of the same history",
  });
}

function refused(top: string, message: string): UserError {
  return new UserError({
    code: "scan/no-repository",
    message: `what has changed is asked of git, which says: ${message}`,
    where: top,
    fix: "scan inside a git repository with git installed, or leave --diff-base out",
  });
}
