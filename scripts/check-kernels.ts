/**
 * `npm run check:kernels`: compiles every CUDA kernel in every combination of types and sizes that is launched, for each
 * architecture, and prints what it takes. Needs NVRTC and no GPU. Exit code 1: something does not compile.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { messageOf, UserError } from "../src/base/errors.ts";
import { packageRoot } from "../src/base/package-root.ts";
import { KernelImages, onlyArchitectureOf } from "../src/engine/device/cuda/compile.ts";
import { libraryFolders, loadLibrary } from "../src/engine/device/cuda/libraries.ts";
import { Nvrtc, nvrtcVersion } from "../src/engine/device/cuda/nvrtc.ts";
import { collectVariants, type KernelVariant } from "./kernels/collect-variants.ts";
import { type Resources, readResources, VerboseCompiler } from "./kernels/verbose-compiler.ts";

interface Options {
  readonly nvrtc?: string;
  readonly arch: string;
  readonly only?: string;
}

/** Ampere, Hopper, Blackwell for data centres, Blackwell in a GB10. */
const ARCHITECTURES = "80,90,100,121";

/** Of CUDA; the loader is asked for each. */
const NEWEST_MAJOR = 20;

new Command("check:kernels")
  .option("--nvrtc <folder>", "folder of libnvrtc.so; default: FETTLE_CUDA_LIBRARIES, then the usual places")
  .option("--arch <list>", "architectures to compile for", ARCHITECTURES)
  .option("--only <text>", "sources whose path contains this")
  .action((options: Options) => {
    process.exitCode = check(options) ? 0 : 1;
  })
  .parse();

function check({ nvrtc: folder = process.env.FETTLE_CUDA_LIBRARIES, arch, only = "" }: Options): boolean {
  const compiler = new VerboseCompiler(openNvrtc(folder));
  const architectures = arch.split(",").map(Number);
  const { variants, unreached } = collectVariants();
  const cacheFolder = mkdtempSync(join(tmpdir(), "fettle-check-kernels-"));
  console.log(`NVRTC ${compiler.version}; registers, bytes spilled where any are, bytes of static shared memory`);
  let failures = 0;
  try {
    const images = architectures.map((architecture) => ({
      architecture,
      images: new KernelImages({
        compiler,
        sourceFolder: join(packageRoot, "src/engine/ops"),
        headerFolder: join(packageRoot, "src/engine/device/cuda"),
        cacheFolder,
        architecture,
        driverVersion: 0,
      }),
    }));
    for (const variant of variants.filter(({ source }) => source.includes(only))) {
      const byArchitecture = new Map<number, Map<string, Resources>>();
      for (const { architecture, images: compiled } of images) {
        if ((onlyArchitectureOf(variant.source) ?? architecture) !== architecture) continue;
        try {
          compiled.image(variant.source, variant.macros);
          byArchitecture.set(architecture, readResources(compiler.log));
        } catch (error) {
          failures++;
          console.error(`sm_${architecture}: ${error instanceof UserError ? error.message : messageOf(error)}`);
        }
      }
      for (const line of linesOf(variant, byArchitecture)) console.log(line);
    }
  } finally {
    rmSync(cacheFolder, { recursive: true, force: true });
  }
  if (unreached.length > 0) console.error(`no conformance case launches ${unreached.join(", ")}`);
  console.log(failures === 0 ? `${variants.length} variants compile` : `${failures} do not compile`);
  return failures === 0 && unreached.length === 0;
}

function openNvrtc(folder: string | undefined): Nvrtc {
  const found = loadLibrary("libnvrtc", libraryFolders({ folder }), folder, NEWEST_MAJOR, nvrtcVersion);
  if (found.handle !== undefined) return new Nvrtc(found.handle);
  console.error(`${found.reason}
It comes with every CUDA toolkit, and as a Python package that needs no GPU:
  pip download --no-deps nvidia-cuda-nvrtc && unzip -d nvrtc nvidia_cuda_nvrtc-*.whl
  npm run check:kernels -- --nvrtc nvrtc/nvidia/cu13/lib`);
  process.exit(2);
}

function linesOf(
  { macros, functions }: KernelVariant,
  compiled: ReadonlyMap<number, Map<string, Resources>>,
): string[] {
  const settings = [...macros].map(([name, value]) => `${name}=${value}`).join(" ");
  return [...functions].sort().map((name) => {
    const parts = [...compiled].map(([architecture, resources]) => {
      const { registers, spills, shared } = resources.get(name) ?? { registers: 0, spills: 0, shared: 0 };
      return `sm_${architecture} ${registers}${spills > 0 ? ` SPILLS ${spills}` : ""} / ${shared}`;
    });
    return `${`${name} ${settings}`.padEnd(64)} ${parts.join("   ")}`;
  });
}
