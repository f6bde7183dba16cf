/** The files below some paths that a model is for. */
import { type Dirent, readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { messageOf } from "../../../base/errors.ts";
import { fileError } from "../../../model/files/file-error.ts";
import type { ScanProblem } from "../scan-result.ts";
import type { FileGlobs } from "./file-globs.ts";
import { type IgnoreRules, isIgnored, rulesAbove, rulesOf } from "./git-ignore.ts";
import { isWithin, pathFrom } from "./scan-root.ts";

export interface WalkOptions {
  /** Files and folders, relative to the working directory. */
  readonly paths: readonly string[];
  /** Absolute; paths of files are told from it on. */
  readonly root: string;
  readonly files: FileGlobs;
  /** Whether `.gitignore` counts. */
  readonly gitignore: boolean;
  /** True: a file that is named itself is taken only where the patterns fit, too. */
  readonly onlyMatching?: boolean | undefined;
  readonly onProblem: (problem: ScanProblem) => void;
}

export interface FoundFile {
  /** From the root on, with slashes; what of its name is no UTF-8 stands as U+FFFD. */
  readonly path: string;
  readonly location: Location;
}

/** What a file is opened by; bytes where its path is no UTF-8. */
export type Location = string | Buffer;

/** Deeper than any sane tree, and shallower than what a path may be long. */
const DEEPEST = 1024;

interface Folder {
  readonly path: string;
  readonly location: Location;
  readonly rules: IgnoreRules | undefined;
  readonly depth: number;
}

/**
 * Each file once, however often it is asked for. A file that is named itself is taken whatever its name is, unless
 * `onlyMatching`; of folders, files by the patterns. `.git` and links are left out.
 * @throws UserError when a path does not exist
 */
export function* walkTree(options: WalkOptions): Generator<FoundFile> {
  const { root, files, onlyMatching = false, onProblem } = options;
  const seen = new Set<string>();
  const folders = new Set<string>();
  for (const { path, real, entry } of options.paths.map(namedPath)) {
    if (entry.isDirectory()) folders.add(real);
    else if (seen.has(real) || (onlyMatching && !files.match(pathFrom(root, path)))) continue;
    else if (entry.isFile()) {
      seen.add(real);
      yield { path: pathFrom(root, path), location: path };
    } else onProblem({ path: pathFrom(root, path), message: `it is ${kindOf(entry)}, not a file`, fatal: true });
  }
  const tops = [...folders].filter((folder) => ![...folders].some((other) => isWithin(folder, other)));
  for (const path of tops.sort()) {
    const above = options.gitignore ? rulesAbove(path) : undefined;
    // Whoever names a folder means it, whatever is said above it.
    const isMeant = above?.folder !== path && isIgnored(path, true, above);
    yield* walkFolder({ path, location: path, rules: isMeant ? undefined : above, depth: 0 }, options, seen);
  }
}

function* walkFolder(top: Folder, options: WalkOptions, seen: ReadonlySet<string>): Generator<FoundFile> {
  const { root, files, gitignore, onProblem } = options;
  const waiting: Folder[] = [top];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const { depth } = folder;
    const tell = (path: string, message: string, fatal: boolean): void =>
      onProblem({ path: pathFrom(root, path), message, fatal });
    const entries = entriesOf(folder, (message) => tell(folder!.path, message, true));
    const hasRules = gitignore && entries.some(({ name }) => name === ".gitignore");
    const rules = hasRules ? rulesOf(folder.path, folder.rules) : folder.rules;
    const below: Folder[] = [];
    for (const { name, location, entry } of entries) {
      const path = join(folder.path, name);
      if (entry.isDirectory()) {
        if (name === ".git" || isIgnored(path, true, rules)) continue;
        if (depth < DEEPEST) below.push({ path, location, rules, depth: depth + 1 });
        else tell(path, `it is more than ${DEEPEST} folders deep, and not scanned`, true);
        continue;
      }
      const told = pathFrom(root, path);
      if (!files.match(told) || seen.has(path) || isIgnored(path, false, rules)) continue;
      if (entry.isFile()) yield { path: told, location };
      else if (entry.isSymbolicLink()) tell(path, "it is a link, which is not followed", false);
      else tell(path, `it is ${kindOf(entry)}, not a file`, false);
    }
    waiting.push(...below.reverse());
  }
}

interface Entry {
  readonly name: string;
  readonly location: Location;
  readonly entry: Dirent<string> | Dirent<Buffer>;
}

/** In the order of their names; none where the folder cannot be read, which is told. */
function entriesOf({ location }: Folder, tell: (message: string) => void): Entry[] {
  try {
    const entries = typeof location === "string" ? readdirSync(location, { withFileTypes: true }) : undefined;
    // A name that is no UTF-8 has a replacement character, by which no file can be opened.
    const isText = entries?.every(({ name }) => !name.includes("\ufffd"));
    const found: Entry[] = isText
      ? entries!.map((entry) => ({ name: entry.name, location: join(location as string, entry.name), entry }))
      : readdirSync(location, { withFileTypes: true, encoding: "buffer" }).map((entry) => {
          const bytes = Buffer.concat([Buffer.from(location), Buffer.from("/"), entry.name]);
          return { name: entry.name.toString("utf8"), location: bytes, entry };
        });
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    tell(`the folder cannot be read: ${messageOf(error)}`);
    return [];
  }
}

interface NamedPath {
  readonly path: string;
  readonly real: string;
  readonly entry: Stats;
}

function namedPath(given: string): NamedPath {
  try {
    const path = resolve(given);
    return { path, real: realpathSync(path), entry: statSync(path) };
  } catch (error) {
    throw fileError("scan", given, error);
  }
}

function kindOf(entry: Stats | Dirent<string> | Dirent<Buffer>): string {
  if (entry.isFIFO()) return "a pipe";
  if (entry.isSocket()) return "a socket";
  return entry.isBlockDevice() || entry.isCharacterDevice() ? "a device" : "something else";
}
