import { realpathSync } from "node:fs";
import { relative, sep } from "node:path";
import type { RepositoryFacts, ScanPlace } from "../formats/format.ts";
import { runGit } from "./run-git.ts";

/** Where a scan's root lies in its repository, and which one that is; the root alone where there is none, or no git. */
export async function findRepository(root: string): Promise<ScanPlace> {
  const top = await lineOf(root, ["rev-parse", "--show-toplevel"]);
  if (top === undefined) return { root, prefix: "" };
  const below = relative(realpathSync(top), realpathSync(root)).split(sep).join("/");
  const prefix = below === "" ? "" : `${below}/`;
  const [url, commit, branch] = await Promise.all([
    lineOf(root, ["remote", "get-url", "origin"]),
    lineOf(root, ["rev-parse", "--verify", "--quiet", "HEAD"]),
    lineOf(root, ["symbolic-ref", "--quiet", "--short", "HEAD"]),
  ]);
  const repository: RepositoryFacts = { url: url && remoteUrl(url), commit, branch };
  return { root: realpathSync(top), prefix, repository };
}

/** Undefined where git refuses. Only the last line end is its own: a folder's name may hold others. */
async function lineOf(folder: string, words: readonly string[]): Promise<string | undefined> {
  const { code, stdout } = await runGit(folder, words);
  return code === 0 ? stdout.toString().replace(/\n$/, "") : undefined;
}

/** An address without user and password; undefined for what is no address, such as a folder. */
export function remoteUrl(remote: string): string | undefined {
  const scp = /^(?:[\w.-]+@)?([\w.-]+):(?!\/\/)(.+)$/.exec(remote);
  const text = scp === null ? remote : `ssh://${scp[1]}/${scp[2]!.replace(/^\/+/, "")}`;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.host === "") return undefined;
  url.username = "";
  url.password = "";
  url.search = "";
  url.hash = "";
  return url.href;
}
