/**
 * Finds NVIDIA's libraries where toolkits, distributions and pip put them. Of several versions the newest that works and
 * that the driver supports is taken; `stubs` folders hold libraries to link against, which do nothing.
 */
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import koffi, { type LibraryHandle } from "koffi";
import { messageOf } from "../../../base/errors.ts";

export interface CudaLibraryOptions {
  /** Looked into before all others. */
  readonly folder?: string | undefined;
  /** Roots of CUDA toolkits or Python environments to look into next. */
  readonly roots?: readonly string[] | undefined;
}

export interface FoundLibrary {
  readonly handle: LibraryHandle;
  /** Full, where the system tells it. */
  readonly path: string;
  /** Such as `13.0`. */
  readonly version: string;
}

/** There is none to use; the reason is a sentence for people. */
export interface MissingLibrary {
  readonly handle: undefined;
  readonly reason: string;
}

/** How the version of a loaded library is asked for: `13.0`. */
export type VersionOf = (library: LibraryHandle) => string;

/** Older ones do not know all that the kernels need. */
const LEAST_MAJOR = 12;

const architectures: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };

/** Relative to a toolkit or an environment. */
const belowRoots = ["lib64", "lib", "targets/*/lib", "lib/python3*/site-packages/nvidia/*/lib"];

const systemPatterns = [
  "usr/local/cuda*/lib64",
  "usr/local/cuda*/targets/*/lib",
  "usr/lib/wsl/lib",
  "run/opengl-driver/lib",
  `usr/lib/${architectures[process.arch]}-linux-gnu`,
  "usr/lib64",
  "usr/lib/python3*/*-packages/nvidia/*/lib",
  "usr/local/lib/python3*/*-packages/nvidia/*/lib",
  "opt/*/lib/python3*/site-packages/nvidia/*/lib",
  "opt/*/.venv/lib/python3*/site-packages/nvidia/*/lib",
];

/** Folders to look into, those named in the options first; `system` is where the file system of the machine begins. */
export function libraryFolders({ folder, roots = [] }: CudaLibraryOptions, system = "/"): string[] {
  const patterns = [
    ...(folder === undefined ? [] : [folder]),
    ...roots.flatMap((root) => belowRoots.map((below) => join(root, below))),
    ...systemPatterns.map((pattern) => join(system, pattern)),
    join(homedir(), ".local/lib/python3*/site-packages/nvidia/*/lib"),
  ];
  return [...new Set(patterns.flatMap(expand))].filter((path) => !path.includes("/stubs"));
}

/**
 * The libcuda of the driver.
 * @param folders of `libraryFolders`
 */
export function loadDriverLibrary(
  folders: readonly string[],
  first: string | undefined,
): FoundLibrary | MissingLibrary {
  const name = "libcuda.so.1";
  const own = first === undefined ? [] : candidatesIn([first], "libcuda").map(({ path }) => path);
  const others = candidatesIn(folders, "libcuda").map(({ path }) => path);
  return firstThatLoads("libcuda", [...own, name, ...others], () => "");
}

/**
 * The newest library of that name up to a major version.
 * @param first a folder whose library is taken whatever its version, if it has one
 * @param least the oldest major version that will do
 */
export function loadLibrary(
  name: string,
  folders: readonly string[],
  first: string | undefined,
  newest: number,
  versionOf: VersionOf,
  least: number = LEAST_MAJOR,
): FoundLibrary | MissingLibrary {
  const own = first === undefined ? [] : candidatesIn([first], name);
  const majors = Array.from({ length: Math.max(0, newest - least + 1) }, (_, i) => newest - i);
  const ofLoader = majors.map((major) => ({ path: `${name}.so.${major}`, major }));
  const all = [...ofLoader, ...candidatesIn(folders, name)];
  const usable = all.filter(({ major }) => major >= least && major <= newest).sort((a, b) => b.major - a.major);
  const found = firstThatLoads(
    name,
    [...own, ...usable].map(({ path }) => path),
    versionOf,
  );
  if (found.handle !== undefined) return found;
  const unfit = all.filter((candidate) => !usable.includes(candidate));
  if (unfit.length === 0) return found;
  const seen = unfit.map(({ path }) => path).join(", ");
  return {
    handle: undefined,
    reason: `${found.reason}; not fit for this driver, which takes versions ${least} to ${newest}: ${seen}`,
  };
}

interface Candidate {
  readonly path: string;
  readonly major: number;
}

/** Files `NAME.so`, `NAME.so.13`, … of the folders, each once, by the version their real names tell. */
function candidatesIn(folders: readonly string[], name: string): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const folder of folders) {
    for (const file of list(folder).sort()) {
      if (file !== `${name}.so` && !file.startsWith(`${name}.so.`)) continue;
      const path = join(folder, file);
      const real = realPath(path);
      if (real === undefined || found.has(real)) continue;
      const major = Number(/\.so\.(\d+)/.exec(basename(real))?.[1] ?? /\.so\.(\d+)/.exec(file)?.[1] ?? Number.NaN);
      found.set(real, { path, major });
    }
  }
  return [...found.values()];
}

function firstThatLoads(name: string, paths: readonly string[], versionOf: VersionOf): FoundLibrary | MissingLibrary {
  const failures: string[] = [];
  for (const path of paths) {
    try {
      loadCompanions(path);
      const handle = koffi.load(path);
      return { handle, path: loadedFrom(path), version: versionOf(handle) };
    } catch (error) {
      // That the loader finds nothing under a bare name is no failure of a library.
      if (path.includes("/")) failures.push(`${path}: ${messageOf(error)}`);
    }
  }
  const tried = failures.length === 0 ? "" : ` that works (${failures.join("; ")})`;
  return { handle: undefined, reason: `no ${name} was found${tried}` };
}

/** NVRTC loads its built-in functions by their bare name, which the loader knows once they are loaded by path. */
function loadCompanions(path: string): void {
  const folder = dirname(realPath(path) ?? path);
  if (!basename(path).startsWith("libnvrtc") || folder === ".") return;
  for (const file of list(folder)) {
    if (file.startsWith("libnvrtc-builtins.so.")) companions.push(koffi.load(join(folder, file)));
  }
}

/** A library is unloaded when nothing refers to its handle any more. */
const companions: LibraryHandle[] = [];

/** Where the loader found a bare name, as Linux lists what is mapped. */
function loadedFrom(path: string): string {
  if (path.includes("/")) return path;
  try {
    const mapped = readFileSync("/proc/self/maps", "utf8").split("\n");
    const stem = `/${path.slice(0, path.indexOf(".so"))}.so`;
    const line = mapped.find((entry) => entry.includes(stem));
    return line === undefined ? path : line.slice(line.indexOf("/"));
  } catch {
    return path;
  }
}

/** The folders that a path stands for in which `*` means any characters, the newest versions first. */
function expand(pattern: string): string[] {
  let paths = ["/"];
  for (const segment of pattern.split("/").filter((part) => part !== "")) {
    if (!segment.includes("*")) {
      paths = paths.map((path) => join(path, segment));
      continue;
    }
    const name = new RegExp(`^${segment.replaceAll(/[^\w*]/g, "\\$&").replaceAll("*", ".*")}$`);
    paths = paths.flatMap((path) =>
      list(path)
        .filter((entry) => name.test(entry))
        .sort((a, b) => b.localeCompare(a, "en", { numeric: true }))
        .map((entry) => join(path, entry)),
    );
  }
  return paths.filter((path) => list(path).length > 0);
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
