import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { UserError } from "../../../base/errors.ts";
import { readBlobs } from "./blobs.ts";
import { changedFiles } from "./changed-files.ts";
import { findRepository, remoteUrl } from "./find-repository.ts";

let top = "";

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), "fettle-git-"));
  git("init", "--quiet", "--initial-branch=main");
  commit();
});

afterEach(() => rmSync(top, { recursive: true }));

function git(...words: readonly string[]): string {
  const identity = ["-c", "user.name=n", "-c", "user.email=n@example.org"];
  return execFileSync("git", [...identity, "-C", top, ...words], { encoding: "utf8", stdio: "pipe" }).trim();
}

function commit(): void {
  git("add", "--all");
  git("commit", "--quiet", "--allow-empty", "--message=m");
}

function write(path: string, ...lines: readonly string[]): void {
  writeFileSync(join(top, path), lines.map((line) => `${line}\n`).join(""));
}

/** `path: lines` of every file, and whether there is something that it was. */
async function changes(base: string): Promise<readonly string[]> {
  const { files } = await changedFiles(top, base);
  return [...files].map(([path, { before, lines }]) => {
    const ranges = lines.map(({ start, end }) => `${start}-${end}`).join(" ");
    return `${path}: ${ranges}${before === undefined ? " new" : ""}`;
  });
}

test("lines that are new or altered, and the ones around lines that are gone", async () => {
  write("f", "a", "b", "c", "d", "e", "f");
  commit();
  write("f", "a", "B", "c", "e", "f", "g", "h");
  assert.deepEqual(await changes("HEAD"), ["f: 2-2 3-4 6-7"]);
});

test("committed, staged, unstaged, renamed, deleted, untracked and ignored files", async () => {
  write("committed", "a");
  write("staged", "a");
  write("old name", "a", "b", "c", "d", "e", "f", "g");
  write("deleted", "a");
  write("unchanged", "a");
  write(".gitignore", "ignored");
  commit();
  git("checkout", "--quiet", "-b", "work");
  write("committed", "b");
  commit();
  write("staged", "b");
  git("add", "staged");
  renameSync(join(top, "old name"), join(top, "new name"));
  write("new name", "a", "b", "c", "D", "e", "f", "g");
  git("add", "--all", "--", "old name", "new name");
  rmSync(join(top, "deleted"));
  write("untracked", "a");
  write("ignored", "a");
  assert.deepEqual(await changes("main"), [
    "committed: 1-1",
    "new name: 4-4",
    "staged: 1-1",
    "untracked: 1-Infinity new",
  ]);
  const { gone, files } = await changedFiles(top, "main");
  assert.deepEqual([...gone].sort(), ["deleted", "old name"]);
  const missing = "0".repeat(40);
  const contents: (string | undefined)[] = [];
  for await (const one of readBlobs(top, [missing, files.get("new name")!.before!])) contents.push(one?.toString());
  assert.deepEqual(contents, [undefined, "a\nb\nc\nd\ne\nf\ng\n"]);
});

test("only what changed since the merge base", async () => {
  write("f", "a");
  write("g", "a");
  commit();
  git("checkout", "--quiet", "-b", "work");
  write("f", "b");
  commit();
  git("checkout", "--quiet", "main");
  write("g", "b");
  commit();
  git("checkout", "--quiet", "work");
  assert.deepEqual(await changes("main"), ["f: 1-1"]);
});

test("names and lines that look like git's own", async () => {
  const odd = ['quo"te\nline', "diff --git a b", "ünï → 日本", ":(glob)*", "-x", "tab\there", "a => b"];
  for (const name of odd) write(name, "a");
  commit();
  for (const name of odd) write(name, "a", "diff --git a/x b/x", "@@ -1 +900 @@", "--- a/f", "+++ b/f");
  assert.deepEqual([...(await changes("HEAD"))].sort(), odd.map((name) => `${name}: 2-5`).sort());
});

test("a file that became a link, in the middle of others", async () => {
  for (const name of ["a", "b", "c"]) write(name, "1", "2", "3");
  commit();
  write("a", "1", "2", "4");
  rmSync(join(top, "b"));
  symlinkSync("a", join(top, "b"));
  write("c", "0", "2", "3");
  assert.deepEqual(await changes("HEAD"), ["a: 3-3", "b: 1-1 new", "c: 1-1"]);
});

test("what the repository's configuration would run is not run", async () => {
  write("f", "a");
  write(".gitattributes", "* diff=evil filter=e=v.il");
  commit();
  write("f", "b");
  const touch = `touch ${join(top, "ran")}`;
  for (const key of ["core.fsmonitor", "diff.external", "diff.evil.command", "diff.evil.textconv"]) {
    git("config", key, touch);
  }
  for (const [key, value] of [
    ["clean", touch],
    ["process", touch],
    ["required", "true"],
  ] as const) {
    git("config", `filter.e=v.il.${key}`, value);
  }
  assert.deepEqual(await changes("HEAD"), ["f: 1-1"]);
  assert.equal(existsSync(join(top, "ran")), false);
});

test("no repository, no such commit, an option in a commit's place, no common history, a shallow clone", async () => {
  write("f", "a");
  commit();
  commit();
  const refused = async (folder: string, base: string, code: string, fix: RegExp): Promise<void> => {
    await assert.rejects(changedFiles(folder, base), (error) => {
      assert.ok(error instanceof UserError, String(error));
      assert.equal(error.code, code);
      assert.match(error.fix ?? "", fix);
      return true;
    });
  };
  const outside = mkdtempSync(join(tmpdir(), "fettle-no-git-"));
  await refused(outside, "main", "scan/no-repository", /inside a git repository/);
  await refused(top, "nope", "scan/unknown-commit", /origin\/NAME/);
  await refused(top, "--output=/tmp/x", "scan/unknown-commit", /origin\/NAME/);
  git("checkout", "--quiet", "--orphan", "other");
  commit();
  await refused(top, "main", "scan/no-merge-base", /same history/);
  execFileSync("git", ["clone", "--quiet", "--depth=1", `file://${top}`, outside], { stdio: "pipe" });
  await refused(outside, "main~1", "scan/unknown-commit", /fetch-depth: 0/);
  rmSync(outside, { recursive: true });
});

test("a place knows its repository, without credentials", async () => {
  mkdirSync(join(top, "sub"));
  git("remote", "add", "origin", "https://user:secret@example.org/a/b.git?token=x");
  const { root, prefix, repository } = await findRepository(join(top, "sub"));
  assert.equal(root, (await findRepository(top)).root);
  assert.equal(prefix, "sub/");
  assert.deepEqual(repository, {
    url: "https://example.org/a/b.git",
    commit: git("rev-parse", "HEAD"),
    branch: "main",
  });
  const outside = mkdtempSync(join(tmpdir(), "fettle-no-git-"));
  assert.deepEqual(await findRepository(outside), { root: outside, prefix: "" });
  rmSync(outside, { recursive: true });
  assert.equal(remoteUrl("git@example.org:a/b.git"), "ssh://example.org/a/b.git");
  assert.equal(remoteUrl("/srv/git/a.git"), undefined);
});
