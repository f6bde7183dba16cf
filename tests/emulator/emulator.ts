/** Builds the emulated CUDA libraries (README.md beside this file says what they show and what they cannot). */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../src/base/package-root.ts";

const sources = join(packageRoot, "tests/emulator");
const compile = ["-std=c++17", "-O2", "-march=native", "-Wall", "-Wextra", "-fPIC", "-shared", "-fvisibility=hidden"];

/** Library by the name that the CUDA device looks for, with the folders of its sources and how it differs. */
const libraries = [
  { name: "libcuda.so.1", folders: ["driver", "threads"], flags: ["-fvisibility=default", "-ldl"] },
  { name: "libnvrtc.so.13", folders: ["nvrtc"], flags: ["-ldl"] },
  { name: "libcublasLt.so.13", folders: ["cublaslt"], flags: ["-O3"] },
  { name: "libnccl.so.2", folders: ["nccl"], flags: ["-lrt"] },
];

/**
 * Compiles the libraries into a folder below the system's one for temporary files, once for each state of the sources.
 * With that folder as FETTLE_CUDA_LIBRARIES, the CUDA device runs on the CPU.
 * @returns the folder, or why there is none
 */
export function buildEmulator(): { folder: string } | { reason: string } {
  if (process.platform !== "linux" || process.arch !== "x64") return { reason: "the emulator needs Linux on x86-64" };
  const version = spawnSync("g++", ["--version"], { encoding: "utf8" });
  if (version.status !== 0) return { reason: "the emulator needs g++" };
  const hash = hashOf([version.stdout, compile.join(" "), JSON.stringify(libraries)]);
  const folder = join(tmpdir(), `fettle-cuda-emulator-${hash}`);
  if (existsSync(folder)) return { folder };

  const work = mkdtempSync(join(tmpdir(), "fettle-cuda-emulator-compiling-"));
  try {
    cpSync(join(sources, "device"), join(work, "device"), { recursive: true });
    mkdirSync(join(work, "kernels"));
    const build = `-DFETTLE_EMULATOR_BUILD=${Number.parseInt(hash.slice(0, 6), 16)}`;
    for (const { name, folders, flags } of libraries) {
      const files = folders.flatMap((part) => sourceFiles(part).filter((file) => file.endsWith(".cpp")));
      const command = [...compile, build, `-Wl,-soname,${name}`, "-o", join(work, name), ...files, ...flags];
      const { status, stderr } = spawnSync("g++", command, { encoding: "utf8" });
      if (status !== 0) throw new Error(`g++ could not compile ${name} of the emulator:\n${stderr}`);
    }
    // Atomic; where another process was faster, its folder is as good.
    if (!existsSync(folder)) renameSync(work, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return { folder };
}

function sourceFiles(part: string): string[] {
  return readdirSync(join(sources, part))
    .sort()
    .map((name) => join(sources, part, name));
}

function hashOf(settings: readonly string[]): string {
  const state = createHash("sha256");
  for (const setting of settings) state.update(setting).update("\0");
  for (const part of ["device", "driver", "threads", "nvrtc", "cublaslt", "nccl"]) {
    for (const path of sourceFiles(part)) state.update(path).update("\0").update(readFileSync(path)).update("\0");
  }
  return state.digest("hex").slice(0, 32);
}
