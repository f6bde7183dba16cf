/**
 * Kernel sources into machine code of the card, once: it is kept in a cache folder under a hash of everything that
 * decides what it contains, with a checksum, so that a damaged file is made anew instead of run.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { messageOf, UserError } from "../../../base/errors.ts";
import type { NvrtcOutcome, NvrtcSource } from "./nvrtc.ts";

/** What compiles; NVRTC, outside tests. */
export interface KernelCompiler {
  readonly version: string;
  compile(source: NvrtcSource, architecture: number): NvrtcOutcome;
}

export interface KernelImagesOptions {
  readonly compiler: KernelCompiler;
  /** Folder that the paths of sources start from. */
  readonly sourceFolder: string;
  /** Folder of the headers that every source may include. */
  readonly headerFolder: string;
  readonly cacheFolder: string;
  /** 90 for a card of compute capability 9.0. */
  readonly architecture: number;
  readonly driverVersion: number;
}

interface Source {
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

const CHECKSUM_BYTES = 32;
const HEADER = /\.(cuh|h)$/;
/** `NAME.sm_90a.cu` uses instructions that architecture 90 has and no later one: it is compiled for that one alone. */
const ONE_ARCHITECTURE = /\.sm_(\d+)a\.cu$/;

/** The only architecture that a source can be compiled for; undefined for those that can be for all. */
export function onlyArchitectureOf(path: string): number | undefined {
  const only = ONE_ARCHITECTURE.exec(path)?.[1];
  return only === undefined ? undefined : Number(only);
}

export class KernelImages {
  readonly #options: KernelImagesOptions;
  readonly #sources = new Map<string, Source>();
  #note: string | undefined;

  constructor(options: KernelImagesOptions) {
    this.#options = options;
  }

  /** Why the cache could not be written, if so. */
  get note(): string | undefined {
    return this.#note;
  }

  /**
   * Machine code of a source (a path below the source folder) with these macros.
   * @throws UserError `cuda/compile-failed` with the compiler's words
   */
  image(path: string, macros: ReadonlyMap<string, string | number>): Uint8Array {
    const { compiler, architecture, driverVersion, cacheFolder } = this.#options;
    const source = this.#source(path);
    const specific = onlyArchitectureOf(path) !== undefined;
    const defines = [...macros].map(([name, value]) => `-D${name}=${value}`);
    const options = ["--std=c++17", "-default-device", ...defines];
    const facts = [path, source.text, ...Object.entries(source.headers).flat(), ...options];
    const key = sha256([...facts, String(architecture), compiler.version, String(driverVersion)]).toString("hex");
    const file = join(cacheFolder, `kernel-${key.slice(0, 32)}.cubin`);
    const kept = readChecked(file);
    if (kept !== undefined) return kept;
    const outcome = compiler.compile({ name: path, ...source, options, specific }, architecture);
    if (!outcome.ok) throw compileError(path, defines, compiler.version, outcome.log);
    this.#keep(file, outcome.image);
    return outcome.image;
  }

  #source(path: string): Source {
    const known = this.#sources.get(path);
    if (known !== undefined) return known;
    const { sourceFolder, headerFolder } = this.#options;
    const file = join(sourceFolder, path);
    const headers: Record<string, string> = {};
    for (const folder of [headerFolder, dirname(file)]) {
      for (const name of readdirSync(folder).sort()) {
        if (HEADER.test(name)) headers[name] = readFileSync(join(folder, name), "utf8");
      }
    }
    const source = { text: readFileSync(file, "utf8"), headers };
    this.#sources.set(path, source);
    return source;
  }

  #keep(file: string, image: Uint8Array): void {
    const { cacheFolder } = this.#options;
    const writing = join(cacheFolder, `.${basename(file)}.${process.pid}`);
    try {
      mkdirSync(cacheFolder, { recursive: true });
      writeFileSync(writing, Buffer.concat([sha256([image]), image]));
      // A rename is atomic: processes that compile at the same time each put the same image there.
      renameSync(writing, file);
    } catch (error) {
      this.#note ??= `kernels are compiled anew each time: ${cacheFolder} cannot be written (${messageOf(error)})`;
    }
  }
}

/** The image in a file of the cache; undefined where there is none, or a damaged one. */
function readChecked(file: string): Uint8Array | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch {
    return undefined;
  }
  const image = bytes.subarray(CHECKSUM_BYTES);
  return sha256([image]).equals(bytes.subarray(0, CHECKSUM_BYTES)) ? image : undefined;
}

function sha256(parts: readonly (string | Uint8Array)[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length} `).update(part);
  return hash.digest();
}

function compileError(path: string, defines: readonly string[], version: string, log: string): UserError {
  return new UserError({
    code: "cuda/compile-failed",
    message: `NVRTC ${version} could not compile ${path} with ${defines.join(" ")}:\n${log}`,
    fix: "use another version of NVRTC, or device: cpu",
  });
}
