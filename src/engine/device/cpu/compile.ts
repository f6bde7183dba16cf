/**
 * C sources into one shared library, with the compiler of the machine, once: the library is kept in a cache folder
 * under a hash of everything that decides what it contains.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { availableParallelism, homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { messageOf, UserError } from "../../../base/errors.ts";

export interface CompileOptions {
  /** Paths of the .c files; headers are found in `includeFolder` and beside each source. */
  readonly sources: readonly string[];
  readonly includeFolder: string;
  /** Where finished libraries are kept; default `~/.cache/fettle`. */
  readonly cacheFolder?: string | undefined;
  /** Command to use in place of the first of cc, gcc and clang that is found. */
  readonly compiler?: string | undefined;
}

export interface CompiledLibrary {
  readonly path: string;
  readonly compiler: string;
  /** True when an earlier run had compiled it. */
  readonly cached: boolean;
  /** What was not as it should be, for people. */
  readonly notes: readonly string[];
}

/** There is nothing to compile with; the reason is a sentence for people. */
export interface NoCompiler {
  readonly path: undefined;
  readonly reason: string;
}

/*
 * Products and sums may fuse into one rounding (-ffp-contract), and nothing is said to errno or floating-point traps;
 * all of that is at least as exact. Never -ffast-math: it would let the compiler reorder sums, so that bits depend on
 * its version, and assume that NaN and infinity do not occur, which are how masks and diverged losses show.
 */
const flags = [
  "-std=gnu11",
  "-O3",
  "-ffp-contract=fast",
  "-fno-math-errno",
  "-fno-trapping-math",
  "-fPIC",
  "-pthread",
  "-fvisibility=hidden",
];

/** From the best to what every compiler accepts. Compilers shy away from 512-bit vectors unless told. */
const targets = [["-march=native", "-mprefer-vector-width=512"], ["-march=native"], ["-mcpu=native"], []];

/**
 * @throws UserError `cpu/compile-failed` with the compiler's text when a source does not compile, or
 * `cpu/compiler-failed` when the compiler named in the options does not run.
 */
export async function compileKernels(options: CompileOptions): Promise<CompiledLibrary | NoCompiler> {
  if (process.platform === "win32") return { path: undefined, reason: "the C kernels need Linux or macOS" };
  const found = await findCompiler(options.compiler);
  if (found === undefined) return { path: undefined, reason: "no C compiler was found (tried cc, gcc and clang)" };
  const { compiler, target, macros } = found;
  const notes = target.length > 0 ? [] : [`${compiler} does not know this CPU: kernels use its lowest common level`];

  const settings = [...flags, ...target];
  const keys = await keysOf([macros, settings.join(" ")], options);
  const name = `kernels-${hash(keys)}.so`;
  const cacheFolder = options.cacheFolder ?? join(homedir(), ".cache", "fettle");
  const path = join(cacheFolder, name);
  if (existsSync(path)) return { path, compiler, cached: true, notes };

  const work = await workFolder(cacheFolder, notes);
  try {
    const command = [compiler, ...settings, "-I", options.includeFolder];
    const objects = await compileAll(command, options.sources, keys, work);
    const library = join(work.folder, name);
    await run(compiler, ["-shared", "-pthread", "-o", library, ...objects, "-lm", "-ldl"]);
    // A rename is atomic: processes that compile at the same time each put the same library there.
    if (work.kept) await rename(library, path);
    return { path: work.kept ? path : library, compiler, cached: false, notes };
  } finally {
    if (work.kept) await rm(work.folder, { recursive: true, force: true });
  }
}

interface FoundCompiler {
  readonly compiler: string;
  readonly target: readonly string[];
  /** Every macro it predefines: its version and the features of the CPU it compiles for. */
  readonly macros: string;
}

async function findCompiler(wanted: string | undefined): Promise<FoundCompiler | undefined> {
  for (const compiler of wanted === undefined ? ["cc", "gcc", "clang"] : [wanted]) {
    let failure: unknown;
    for (const target of targets) {
      try {
        const macros = await run(compiler, [...target, "-dM", "-E", "-x", "c", "/dev/null"]);
        return { compiler, target, macros };
      } catch (error) {
        failure = error;
      }
    }
    if (wanted !== undefined) {
      throw new UserError({
        code: "cpu/compiler-failed",
        message: `the C compiler ${wanted} does not run: ${messageOf(failure)}`,
        fix: "name a working compiler, or none to use the first of cc, gcc and clang",
        cause: failure,
      });
    }
  }
  return undefined;
}

function hash(parts: readonly (string | Uint8Array)[]): string {
  const state = createHash("sha256");
  for (const part of parts) state.update(part).update("\0");
  return state.digest("hex").slice(0, 32);
}

/** For each source, a hash of it, of all headers and of `settings`. */
async function keysOf(settings: readonly string[], options: CompileOptions): Promise<string[]> {
  const folders = new Set([options.includeFolder, ...options.sources.map((source) => dirname(source))]);
  const headers: (string | Uint8Array)[] = [];
  for (const folder of [...folders].sort()) {
    const names = (await readdir(folder)).filter((name) => name.endsWith(".h")).sort();
    for (const name of names) headers.push(name, await readFile(join(folder, name)));
  }
  const common = hash([...settings, ...headers]);
  return Promise.all(options.sources.map(async (source) => hash([common, await readFile(source)])));
}

interface WorkFolder {
  /** Fresh, for files in the making. */
  readonly folder: string;
  /** Where object files stay for the next time, when other sources have changed. */
  readonly objects: string;
  /** False where the cache cannot be written, and everything lasts for this run only. */
  readonly kept: boolean;
}

async function workFolder(cacheFolder: string, notes: string[]): Promise<WorkFolder> {
  try {
    const objects = join(cacheFolder, "objects");
    await mkdir(objects, { recursive: true });
    return { folder: await mkdtemp(join(cacheFolder, "compiling-")), objects, kept: true };
  } catch (error) {
    notes.push(`kernels are compiled anew each time: ${cacheFolder} cannot be written (${messageOf(error)})`);
    const folder = await mkdtemp(join(tmpdir(), "fettle-"));
    return { folder, objects: folder, kept: false };
  }
}

/** One compiler process per source, as many at once as there are cores. Returns the object files, in order. */
async function compileAll(
  command: readonly string[],
  sources: readonly string[],
  keys: readonly string[],
  work: WorkFolder,
): Promise<string[]> {
  const [compiler, ...settings] = command as [string, ...string[]];
  const objects = keys.map((key) => join(work.objects, `${key}.o`));
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < sources.length) {
      const index = next++;
      if (existsSync(objects[index]!)) continue;
      const fresh = join(work.folder, `${index}.o`);
      await run(compiler, [...settings, "-c", sources[index]!, "-o", fresh]);
      await rename(fresh, objects[index]!);
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: availableParallelism() }, worker));
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") throw compileError(compiler, outcome.reason);
  }
  return objects;
}

function compileError(compiler: string, cause: unknown): UserError {
  return new UserError({
    code: "cpu/compile-failed",
    message: `${compiler} could not compile the CPU kernels:\n${messageOf(cause)}`,
    fix: "use another compiler (gcc 9 or later, clang 11 or later), or the reference device",
    cause,
  });
}

/** Standard output of a command; rejects with what it wrote to standard error. */
function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(stderr.trim() || error.message));
    });
  });
}
