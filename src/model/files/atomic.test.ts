import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { replaceFolder, writeAtomically, writeFileAtomic } from "./atomic.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-atomic-"));
after(() => rmSync(folder, { recursive: true }));

test("a failing write leaves the old file and no temporary one", () => {
  const path = join(folder, "a.txt");
  writeFileAtomic(path, "old");
  assert.throws(
    () =>
      writeAtomically(path, (append) => {
        append(Buffer.from("new, but not all"));
        throw new Error("interrupted");
      }),
    /interrupted/,
  );
  assert.equal(readFileSync(path, "utf8"), "old");
  assert.deepEqual(readdirSync(folder), ["a.txt"]);
  writeFileAtomic(path, "new");
  assert.equal(readFileSync(path, "utf8"), "new");
});

test("a folder that is not there is named", () => {
  assert.throws(() => writeFileAtomic(join(folder, "none", "a"), "x"), { code: "files/missing" });
});

test("replaceFolder puts the new folder in the old one's place", () => {
  const temporary = join(folder, "t");
  const final = join(folder, "f");
  for (const content of ["1", "2"]) {
    mkdirSync(join(temporary, "inner"), { recursive: true });
    writeFileSync(join(temporary, "inner", "x"), content);
    replaceFolder(temporary, final);
    assert.equal(readFileSync(join(final, "inner", "x"), "utf8"), content);
    assert.ok(!existsSync(temporary));
  }
  assert.deepEqual(readdirSync(folder).sort(), ["a.txt", "f"]);
});

/** Runs a write of `bytes` over an old file "old" in a child process, under a shell command that limits the disk. */
function writeInChild(shell: string, target: string): { status: number | null; output: string } {
  const module = new URL("./atomic.js", import.meta.url).href;
  const script = `
    import { readdirSync, readFileSync, writeFileSync } from "node:fs";
    const { writeFileAtomic } = await import(${JSON.stringify(module)});
    writeFileSync(${JSON.stringify(`${target}/x`)}, "old");
    try { writeFileAtomic(${JSON.stringify(`${target}/x`)}, new Uint8Array(500_000)); } catch (error) {
      console.log(error.code, readFileSync(${JSON.stringify(`${target}/x`)}, "utf8"), readdirSync(${JSON.stringify(target)}).join());
    }`;
  const child = spawnSync("bash", ["-c", shell, process.execPath, script], { encoding: "utf8" });
  return { status: child.status, output: child.stdout.trim() };
}

test("a file that outgrows its limit in the middle of a write is a UserError", () => {
  const target = join(folder, "limited");
  mkdirSync(target);
  const { output } = writeInChild('ulimit -f 100; "$0" --input-type=module -e "$1"', target);
  assert.equal(output, "files/too-large old x");
});

test("a full disk is a UserError that leaves the old file", (context) => {
  const target = join(folder, "full");
  mkdirSync(target);
  const mounted = `mount -t tmpfs -o size=100k none ${target} || exit 77; "$0" --input-type=module -e "$1"`;
  const { status, output } = writeInChild(
    `unshare -rm bash -c '${mounted.replaceAll("'", `'\\''`)}' "$0" "$1" || exit 77`,
    target,
  );
  if (status === 77) return context.skip("small file systems cannot be mounted here");
  assert.equal(output, "files/disk-full old x");
});
