/** What the machine offers: Node.js, processor, memory, disk. */
import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { resolve } from "node:path";
import { formatBytes } from "../report/format.ts";
import type { Check } from "./check.ts";

const LEAST_NODE = [20, 19] as const;
/** Less than this is soon used up by models and checkpoints. */
const LEAST_MEMORY = 2e9;
const LEAST_DISK = 2e9;

/** Instructions that the CPU device has products for, from the fastest on. */
const featureNames: readonly (readonly [flag: string, name: string])[] = [
  ["amx_bf16", "AMX bf16"],
  ["avx512_bf16", "AVX-512 bf16"],
  ["avx512f", "AVX-512"],
  ["avx2", "AVX2"],
  ["fma", "FMA"],
  ["asimd", "NEON"],
  ["sve", "SVE"],
  ["bf16", "bf16"],
];

export async function checkMachine(): Promise<Check[]> {
  return [checkNode(), checkProcessor(), checkMemory(), await checkDisk()];
}

function checkNode(): Check {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const enough = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
  const found = `${process.version} on ${process.platform} ${release()} ${process.arch}`;
  if (enough) return { name: "Node.js", status: "ok", found };
  return { name: "Node.js", status: "problem", found, fix: `install Node.js ${LEAST_NODE.join(".")} or later` };
}

function checkProcessor(): Check {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const cores = availableParallelism();
  const features = cpuFeatures();
  const known = features.length === 0 ? "" : `, ${features.join(", ")}`;
  return {
    name: "processor",
    status: "ok",
    found: `${model}, ${cores} ${cores === 1 ? "core" : "cores"} for this process${known}`,
    details: { model, cores, features },
  };
}

/** As Linux lists them; empty elsewhere, where the compiler finds out for itself. */
function cpuFeatures(): string[] {
  let text: string;
  try {
    text = readFileSync("/proc/cpuinfo", "utf8");
  } catch {
    return [];
  }
  const flags = new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1]?.trim().split(/\s+/));
  return featureNames.filter(([flag]) => flags.has(flag)).map(([, name]) => name);
}

function checkMemory(): Check {
  const available = process.availableMemory();
  // Without a limit on the process, Node tells a number beyond all memory.
  const total = Math.min(process.constrainedMemory() || totalmem(), totalmem());
  const found = `${formatBytes(available)} free of ${formatBytes(total)}`;
  const details = { available, total };
  if (available >= LEAST_MEMORY) return { name: "memory", status: "ok", found, details };
  return {
    name: "memory",
    status: "warning",
    found,
    fix: "end other programs; a smaller packing.max_tokens and qlora need less",
    details,
  };
}

async function checkDisk(): Promise<Check> {
  const folder = resolve(".");
  try {
    const { bavail, bsize } = await statfs(folder);
    const available = bavail * bsize;
    const found = `${formatBytes(available)} free for runs in ${folder}`;
    if (available >= LEAST_DISK) return { name: "disk", status: "ok", found, details: { available } };
    const fix = "free some space, or choose another disk: --output FOLDER";
    return { name: "disk", status: "warning", found, fix, details: { available } };
  } catch {
    return { name: "disk", status: "warning", found: `${folder} cannot be looked at`, fix: "choose another folder" };
  }
}
