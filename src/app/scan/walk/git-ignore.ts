/** What git leaves out: `.gitignore` of every folder on the way, and `.git/info/exclude`. */
import { readFileSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import ignore, { type Ignore } from "ignore";

/** Beyond this it is no list of patterns. */
const MAX_BYTES = 2 ** 20;

/** The rules of one folder, and of those above it. */
export interface IgnoreRules {
  /** Absolute, with slashes. */
  readonly folder: string;
  readonly own: Ignore;
  readonly above: IgnoreRules | undefined;
}

/** The rules that hold in `folder`, where those of the folder above it are `above`. */
export function rulesOf(folder: string, above: IgnoreRules | undefined): IgnoreRules | undefined {
  return withFile(folder, join(folder, ".gitignore"), above);
}

/** The rules that hold in `folder` because of folders above it, up to the root of its repository; none outside of one. */
export function rulesAbove(folder: string): IgnoreRules | undefined {
  const way: string[] = [];
  for (let at = folder; ; at = dirname(at)) {
    if (exists(join(at, ".git"))) {
      let rules = withFile(at, join(at, ".git/info/exclude"), undefined);
      // The folder's own file is read when the folder is.
      for (const step of at === folder ? [] : [at, ...way.slice(1).toReversed()]) rules = rulesOf(step, rules);
      return rules;
    }
    if (dirname(at) === at) return undefined;
    way.push(at);
  }
}

/** The deepest rule that says anything about a path decides, as in git. @param path absolute */
export function isIgnored(path: string, isFolder: boolean, rules: IgnoreRules | undefined): boolean {
  for (let at = rules; at !== undefined; at = at.above) {
    const below = relative(at.folder, path).split(sep).join("/");
    const { ignored, unignored } = at.own.test(isFolder ? `${below}/` : below);
    if (ignored || unignored) return ignored;
  }
  return false;
}

function withFile(folder: string, file: string, above: IgnoreRules | undefined): IgnoreRules | undefined {
  const text = readIfThere(file);
  if (text === undefined) return above;
  return { folder, own: ignore({ ignorecase: false }).add(text), above };
}

function readIfThere(file: string): string | undefined {
  try {
    const entry = statSync(file);
    return entry.isFile() && entry.size <= MAX_BYTES ? readFileSync(file, "utf8") : undefined;
  } catch {
    return undefined;
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
