/** What can compute here: the GPU, the compiler, the CPU device (compiled and tried), the reference device, the kernels' cache. */
import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { UserError } from "../../base/errors.ts";
import { openDevice } from "../../engine/open-device.ts";
import { deviceEnvironment } from "../environment.ts";
import { formatBytes, formatDuration } from "../report/format.ts";
import type { Check } from "./check.ts";
import { checkCuda } from "./check-cuda.ts";
import { checkProduct } from "./check-product.ts";

const installCompiler =
  process.platform === "darwin"
    ? "install one: xcode-select --install"
    : "install one, e.g. apt-get install gcc, dnf install gcc, or apk add gcc musl-dev";

export async function checkDevices(): Promise<Check[]> {
  return [...(await checkCuda()), await checkCompiler(), await checkCpuDevice(), checkReference(), checkCache()];
}

async function checkCompiler(): Promise<Check> {
  const { compiler } = deviceEnvironment();
  for (const command of compiler === undefined ? ["cc", "gcc", "clang"] : [compiler]) {
    try {
      const { stdout } = await promisify(execFile)(command, ["--version"]);
      const version = stdout.split("\n")[0]!;
      return { name: "compiler", status: "ok", found: `${command}: ${version}`, details: { command, version } };
    } catch {
      // The next one.
    }
  }
  if (compiler !== undefined) {
    const fix = "let CC name a working compiler, or unset it";
    return { name: "compiler", status: "problem", found: `CC is ${compiler}, which does not run`, fix };
  }
  const found = "no cc, gcc or clang: models run in plain TypeScript, a hundred times slower";
  return { name: "compiler", status: "warning", found, fix: installCompiler };
}

async function checkCpuDevice(): Promise<Check> {
  const name = "device cpu";
  const start = performance.now();
  try {
    const { device, notes } = await openDevice({ ...deviceEnvironment(), device: "cpu" });
    const seconds = (performance.now() - start) / 1000;
    const { error, right } = checkProduct(device);
    device.close();
    const found = `${device.description.replace(/^cpu: /, "")}; kernels ready in ${formatDuration(seconds)}`;
    const details = { precision: device.precision, seconds, error };
    if (!right) {
      const fix = "use --device reference, and report what `fettle doctor --json` prints";
      return { name, status: "problem", found: `${found}; a product is wrong by ${error}`, fix, details };
    }
    if (notes.length === 0) return { name, status: "ok", found, details };
    return { name, status: "warning", found: [found, ...notes].join("; "), fix: "see the note", details };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const status = error.code === "device/no-compiler" ? "warning" : "problem";
    return { name, status, found: error.message, ...(error.fix !== undefined && { fix: error.fix }) };
  }
}

function checkReference(): Check {
  return { name: "device reference", status: "ok", found: "always there: plain TypeScript, for checking others" };
}

function checkCache(): Check {
  const name = "cache";
  const folder = deviceEnvironment().cacheFolder ?? join(homedir(), ".cache", "fettle");
  try {
    accessSync(nearestFolder(folder), constants.W_OK);
  } catch {
    const fix = "make it writable, or let FETTLE_CACHE name another folder; until then kernels are compiled each time";
    return { name, status: "warning", found: `${folder} cannot be written`, fix };
  }
  const files = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }).filter((file) => file.isFile()) : [];
  const bytes = files.reduce((sum, file) => sum + statSync(join(folder, file.name)).size, 0);
  return {
    name,
    status: "ok",
    found: `${folder}: ${files.length} ${files.length === 1 ? "file" : "files"}, ${formatBytes(bytes)}; may be deleted`,
    details: { folder, files: files.length, bytes },
  };
}

/** The folder itself, or the first one above it that is there. */
function nearestFolder(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}
