import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { type ContainerView, checkContainer } from "./check-container.ts";

/** As the kernel's module of the host shows itself in every container. */
const MODULE = (version: string): string =>
  `NVRM version: NVIDIA UNIX x86_64 Kernel Module  ${version}  Wed Aug 7 2024\n`;
const MOUNTS = [
  "630 521 0:55 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/l",
  "640 630 8:1 /home/me/work /work rw,relatime - ext4 /dev/sda1 rw",
].join("\n");

function view(files: Readonly<Record<string, string>>, change: Partial<ContainerView> = {}): ContainerView {
  const root = mkdtempSync(join(tmpdir(), "fettle-container-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return { root, folder: "/work", cacheFolders: [], env: {}, ...change };
}

function find(name: string, given: ContainerView): string | undefined {
  try {
    const check = checkContainer(given).find((each) => each.name === name);
    return check && `${check.status}: ${check.found}${check.fix === undefined ? "" : ` -> ${check.fix}`}`;
  } finally {
    rmSync(given.root, { recursive: true });
  }
}

test("outside a container nothing is said", () => {
  const given = view({ "dev/nvidia0": "" });
  assert.deepEqual(checkContainer(given), []);
  rmSync(given.root, { recursive: true });
});

test("a GPU that was not passed in is told from a host without one", () => {
  const docker = { ".dockerenv": "" };
  const forGpus = { env: { NVIDIA_VISIBLE_DEVICES: "all" } };
  assert.equal(find("GPU of the host", view(docker)), undefined);
  assert.match(find("GPU of the host", view(docker, forGpus))!, /^warning: none was passed in.*image for CPUs/);
  const host = { ...docker, "proc/driver/nvidia/version": MODULE("560.35.03") };
  assert.match(find("GPU of the host", view(host))!, /has an NVIDIA driver \(560\.35\.03\).*--gpus all/);
});

test("an old driver, and one whose library is missing, are named", () => {
  const card = { "run/.containerenv": "", "dev/nvidia0": "", "dev/nvidiactl": "" };
  const old = { ...card, "proc/driver/nvidia/version": MODULE("470.256.02") };
  assert.match(find("GPU of the host", view(old))!, /470\.256\.02 knows no CUDA 12 -> install driver 525/);
  const fit = { ...card, "proc/driver/nvidia/version": MODULE("535.104.05") };
  const utility = { env: { NVIDIA_DRIVER_CAPABILITIES: "utility" } };
  assert.match(find("GPU of the host", view(fit, utility))!, /without .*libcuda.*utility\) -> .*compute,utility/);
  const whole = { ...fit, "usr/lib/x86_64-linux-gnu/libcuda.so.1": "" };
  assert.equal(find("GPU of the host", view(whole)), "ok: 1 passed in (nvidia0), driver 535.104.05");
});

test("folders in the image's own layer are named, mounted ones are not", () => {
  const files = { ".dockerenv": "", "proc/self/mountinfo": MOUNTS };
  assert.equal(find("volumes", view(files)), undefined);
  const cached = find("volumes", view(files, { cacheFolders: ["/cache/fettle"] }));
  assert.match(cached!, /^warning: \/cache\/fettle: .*kernels and models are gone.*-v fettle-cache:\/cache\/fettle/);
  assert.match(find("volumes", view(files, { folder: "/elsewhere" }))!, /\/elsewhere: .*so runs are gone/);
});

test("little shared memory matters to several GPUs alone", (context) => {
  const files = { ".dockerenv": "", "dev/shm/.keep": "", "dev/nvidia0": "" };
  for (const [cards, status] of [
    [files, "ok"],
    [{ ...files, "dev/nvidia1": "" }, "warning"],
  ] as const) {
    const given = view(cards);
    const shm = join(given.root, "dev/shm");
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", shm], { stdio: "ignore" });
    } catch {
      context.skip("mounting needs rights that this process does not have");
      return;
    }
    const check = checkContainer(given).find(({ name }) => name === "shared memory");
    execFileSync("umount", [shm]);
    rmSync(given.root, { recursive: true });
    assert.equal(check?.status, status);
    assert.match(check.found, /^67\.1\sMB/);
  }
});
