/** Inside a container: what the host did not pass in. Outside of one there is nothing to say. */
import { accessSync, constants, existsSync, readdirSync, readFileSync, type StatsFs, statfsSync } from "node:fs";
import { join, resolve } from "node:path";
import { formatBytes } from "../report/format.ts";
import type { Check } from "./check.ts";

/** Where a container is looked at from: what a process inside it sees. */
export interface ContainerView {
  /** Where its file system begins. */
  readonly root: string;
  /** Where runs are written, as the container names it. */
  readonly folder: string;
  /** Where kernels and models are kept, likewise. */
  readonly cacheFolders: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What marks the inside of a container, file by file. */
const MARKS: readonly (readonly [path: string, name: string])[] = [
  ["var/run/secrets/kubernetes.io", "Kubernetes"],
  [".dockerenv", "Docker"],
  ["run/.containerenv", "Podman"],
];

/** The oldest driver that takes CUDA 12. */
const LEAST_DRIVER = 525;
/** Below this, NCCL's buffers between a few GPUs do not fit; Docker gives 64 MB unless it is told otherwise. */
const LEAST_SHARED_MEMORY = 1 << 30;

const PASS_GPU =
  "start it with the GPU: docker run --gpus all (the host needs nvidia-container-toolkit), podman run --device " +
  "nvidia.com/gpu=all, or in Kubernetes the limit nvidia.com/gpu: 1";

/** @returns a check for each thing that matters inside a container; none outside */
export function checkContainer(view: ContainerView): Check[] {
  const mark = MARKS.find(([path]) => existsSync(join(view.root, path)));
  if (mark === undefined) return [];
  const where: Check = { name: "container", status: "ok", found: `inside ${mark[1]}` };
  return [where, ...checkGpu(view), ...checkSharedMemory(view), ...checkStorage(view)];
}

function checkGpu({ root, env }: ContainerView): Check[] {
  const name = "GPU of the host";
  const driver = /Kernel Module.*?\s(\d+(?:\.\d+)+)/.exec(textOf(join(root, "proc/driver/nvidia/version")))?.[1];
  const [cards, expected] = [gpuDevices(root), env.NVIDIA_VISIBLE_DEVICES !== undefined];
  if (driver === undefined && cards.length === 0) {
    if (!expected) return [];
    const found = "none was passed in, and the host shows no NVIDIA driver; this image is for GPUs";
    return [{ name, status: "warning", found, fix: `${PASS_GPU}; on a host without one take the image for CPUs` }];
  }
  const version = driver === undefined ? "" : `, driver ${driver}`;
  if (driver !== undefined && Number.parseInt(driver, 10) < LEAST_DRIVER) {
    const found = `driver ${driver} knows no CUDA 12`;
    return [{ name, status: "warning", found, fix: `install driver ${LEAST_DRIVER} or later on the host` }];
  }
  if (cards.length === 0) {
    const found = `the host has an NVIDIA driver (${driver}), but no GPU was passed in`;
    return [{ name, status: "warning", found, fix: PASS_GPU }];
  }
  const found = `${cards.length} passed in (${cards.join(", ")})${version}`;
  if (hasDriverLibrary(root)) return [{ name, status: "ok", found, details: { driver, cards } }];
  const capabilities = env.NVIDIA_DRIVER_CAPABILITIES ?? "not set";
  return [
    {
      name,
      status: "warning",
      found: `${found}, without the driver's library libcuda (NVIDIA_DRIVER_CAPABILITIES: ${capabilities})`,
      fix: "set NVIDIA_DRIVER_CAPABILITIES=compute,utility, and let nvidia-container-toolkit start the container",
    },
  ];
}

function gpuDevices(root: string): string[] {
  return list(join(root, "dev")).filter((name) => /^(nvidia\d+|dxg)$/.test(name));
}

function hasDriverLibrary(root: string): boolean {
  const below = ["usr/lib64", "usr/local/nvidia/lib64", "usr/local/nvidia/lib", "usr/lib/wsl/lib"];
  const multiarch = list(join(root, "usr/lib")).map((name) => join("usr/lib", name));
  return [...below, ...multiarch].some((folder) => existsSync(join(root, folder, "libcuda.so.1")));
}

/** Only several GPUs use it. */
function checkSharedMemory({ root }: ContainerView): Check[] {
  const name = "shared memory";
  const space = spaceOf(join(root, "dev/shm"));
  if (space === undefined) return [];
  const bytes = space.blocks * space.bsize;
  const details = { bytes };
  if (bytes >= LEAST_SHARED_MEMORY) return [{ name, status: "ok", found: formatBytes(bytes), details }];
  if (gpuDevices(root).length < 2) {
    return [{ name, status: "ok", found: `${formatBytes(bytes)}, enough for one GPU or none`, details }];
  }
  const found = `${formatBytes(bytes)}, too little for NCCL between several GPUs`;
  return [{ name, status: "warning", found, fix: "start it with --shm-size 1g, or --ipc host", details }];
}

function checkStorage({ root, folder, cacheFolders }: ContainerView): Check[] {
  const checks: Check[] = [];
  const fleeting = [folder, ...cacheFolders].filter((path) => isOverlay(root, path));
  if (fleeting.length > 0) {
    const runs = fleeting.includes(folder) ? "runs" : "kernels and models";
    checks.push({
      name: "volumes",
      status: "warning",
      found: `${fleeting.join(", ")}: in the container's own layer, so ${runs} are gone when it is removed`,
      fix: `mount a folder or a volume there: ${fleeting.map((path) => `-v ${volumeName(path)}:${path}`).join(" ")}`,
    });
  }
  const refused = [folder, ...cacheFolders].filter((path) => {
    return existsSync(join(root, path)) && !isWritable(join(root, path));
  });
  if (refused.length > 0) {
    const user = `${process.getuid?.()}:${process.getgid?.()}`;
    checks.push({
      name: "rights",
      status: "problem",
      found: `user ${user} may not write to ${refused.join(", ")}`,
      fix: 'start it as the owner (--user "$(id -u):$(id -g)"), or give the folders to this user',
    });
  }
  return checks;
}

function volumeName(path: string): string {
  return path.startsWith("/cache") ? "fettle-cache" : '"$PWD"';
}

/** Whether the innermost mount that holds a path is the image's layers. */
function isOverlay(root: string, path: string): boolean {
  const target = resolve("/", path);
  let [innermost, kind] = ["", ""];
  for (const line of textOf(join(root, "proc/self/mountinfo")).split("\n")) {
    const [before, after] = line.split(" - ");
    const mount = before?.split(" ")[4]?.replace(/\\040/g, " ");
    if (mount === undefined || after === undefined || mount.length < innermost.length) continue;
    if (mount !== "/" && target !== mount && !target.startsWith(`${mount}/`)) continue;
    [innermost, kind] = [mount, after.split(" ")[0]!];
  }
  return kind === "overlay";
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function spaceOf(path: string): StatsFs | undefined {
  try {
    return statfsSync(path);
  } catch {
    return undefined;
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
