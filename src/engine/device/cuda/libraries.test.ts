import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { libraryFolders, loadDriverLibrary, loadLibrary, type VersionOf } from "./libraries.ts";

const root = mkdtempSync(join(tmpdir(), "fettle-libraries-test-"));
after(() => rmSync(root, { recursive: true }));

/** A library, of a name that the machine has none of, whose `major` says which one it is. */
function library(path: string, major: number): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  const source = join(root, "source.c");
  writeFileSync(source, `int major(void) { return ${major}; }\n`);
  execFileSync("cc", ["-shared", "-fPIC", "-o", join(root, path), source]);
}

const versionOf: VersionOf = (handle) => `${handle.func("major", "int", [])()}.0`;
const skip = spawnSync("cc", ["--version"]).status === 0 ? false : "no C compiler makes the libraries to find";

describe("the search for CUDA's libraries", { skip }, () => {
  if (skip === false) {
    library("usr/local/cuda-12.9/lib64/libfettle-search.so.12", 12);
    library("usr/local/cuda-13.0/targets/x86_64-linux/lib/libfettle-search.so.13.0.88", 13);
    library("usr/local/cuda-13.0/lib64/stubs/libfettle-search.so.13", 99);
    library("usr/lib/python3/dist-packages/nvidia/cu14/lib/libfettle-search.so.14", 14);
    library("env/lib/python3.12/site-packages/nvidia/cuda_nvrtc/lib/libfettle-search.so.12", 12);
    library("own/libfettle-search.so.11", 11);
    const toolkit = join(root, "usr/local/cuda-13.0/targets/x86_64-linux/lib");
    symlinkSync("libfettle-search.so.13.0.88", join(toolkit, "libfettle-search.so.13"));
    symlinkSync("libfettle-search.so.13", join(toolkit, "libfettle-search.so"));
  }
  const folders = (options: Parameters<typeof libraryFolders>[0] = {}): string[] =>
    libraryFolders(options, root).filter((path) => path.startsWith(root));

  it("looks into toolkits, distributions and Python environments, never into stubs", () => {
    const found = folders({ folder: join(root, "own"), roots: [join(root, "env")] }).map((path) =>
      path.slice(root.length + 1),
    );
    assert.deepEqual(found, [
      "own",
      "env/lib",
      "env/lib/python3.12/site-packages/nvidia/cuda_nvrtc/lib",
      "usr/local/cuda-13.0/lib64",
      "usr/local/cuda-12.9/lib64",
      "usr/local/cuda-13.0/targets/x86_64-linux/lib",
      "usr/lib/python3/dist-packages/nvidia/cu14/lib",
    ]);
  });

  it("takes the newest major version that the driver supports", () => {
    const paths = [14, 13, 12].map((newest) => {
      const found = loadLibrary("libfettle-search", folders(), undefined, newest, versionOf);
      assert.equal(found.handle && found.version, `${newest}.0`);
      return found.handle && found.path.slice(root.length + 1);
    });
    assert.deepEqual(paths, [
      "usr/lib/python3/dist-packages/nvidia/cu14/lib/libfettle-search.so.14",
      "usr/local/cuda-13.0/targets/x86_64-linux/lib/libfettle-search.so",
      "usr/local/cuda-12.9/lib64/libfettle-search.so.12",
    ]);
  });

  it("takes what the named folder holds, whatever its version", () => {
    const found = loadLibrary("libfettle-search", folders(), join(root, "own"), 13, versionOf);
    assert.equal(found.handle && found.version, "11.0");
  });

  it("passes over libraries that do not load", () => {
    const broken = join(root, "broken");
    mkdirSync(broken);
    writeFileSync(join(broken, "libfettle-search.so.13"), "no library");
    const found = loadLibrary("libfettle-search", [broken, ...folders()], undefined, 13, versionOf);
    assert.match((found.handle && found.path) ?? "", /cuda-13\.0/);
    const none = loadLibrary("libfettle-search", [broken], undefined, 13, versionOf);
    assert.match(
      (none.handle === undefined && none.reason) || "",
      /no libfettle-search was found that works \(.*broken/,
    );
  });

  it("says what it saw where nothing fits", () => {
    const cu14 = join(root, "usr/lib/python3/dist-packages/nvidia/cu14/lib");
    const found = loadLibrary("libfettle-search", [cu14], undefined, 13, versionOf);
    assert.match(
      (found.handle === undefined && found.reason) || "",
      /^no libfettle-search was found; not fit for this driver, which takes versions 12 to 13: .*libfettle-search\.so\.14$/,
    );
  });

  it("finds a driver in the folder that is named", () => {
    library("driver/libcuda.so.1", 1);
    const found = loadDriverLibrary([], join(root, "driver"));
    assert.equal(found.handle && found.path, join(root, "driver/libcuda.so.1"));
  });
});
