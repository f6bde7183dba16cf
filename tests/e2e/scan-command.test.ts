/** `fettle scan` as a process: its exit codes, and what is left when it is killed. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { ScanResult } from "../../src/app/scan/scan-result.ts";
import { fettleJson, start } from "../helpers/cli.ts";
import { dockerfile, names, SmallScanner } from "../helpers/small-scanner.ts";

const scanner = new SmallScanner();
before(() => scanner.prepare());
after(() => scanner.remove());

describe("fettle scan", () => {
  const words = (folder: string, ...more: string[]): string[] => [
    "scan",
    folder,
    "--model",
    scanner.run,
    "--device",
    "reference",
    "--no-regions",
    ...more,
  ];

  test("exit codes: 0 clean or below --fail-on, 1 findings from it on, 2 it could not finish", async () => {
    const clean = scanner.tree("clean", { "README.md": "" });
    const found = scanner.tree("found", { Dockerfile: dockerfile(50) });
    const large = scanner.tree("large", { Dockerfile: dockerfile(51) });
    await fettleJson(words(clean), 0, { env: scanner.env });
    assert.equal((await fettleJson(words(found), 1, { env: scanner.env })).kind, "scan");
    await fettleJson(words(found, "--fail-on", "critical"), 1, { env: scanner.env });
    await fettleJson(words(found, "--fail-on", "none"), 0, { env: scanner.env });
    await fettleJson(words(large, "--max-file-size", "10", "--fail-on", "none"), 2, { env: scanner.env });
    await fettleJson(words(join(scanner.scratch, "not-there")), 2, { env: scanner.env });
  });

  test("a path that cannot be followed is an error", async () => {
    const folder = scanner.tree("unreadable", { "a/Dockerfile": dockerfile(55), Dockerfile: dockerfile(56) });
    symlinkSync("self", join(folder, "self"));
    const { error } = await fettleJson(words(folder, join(folder, "self")), 2, { env: scanner.env });
    assert.match((error as { message: string }).message, /too many symbolic links|ELOOP/i);
  });

  test("a model that does not say which files it is for is told them", async () => {
    const folder = scanner.tree("told", { "x.txt": dockerfile(60) });
    const other = scanner.copy("silent");
    scanner.change(other, { scan: null });
    const asked = ["scan", folder, "--model", other, "--device", "reference", "--no-regions"];
    const { error } = await fettleJson(asked, 2, { env: scanner.env });
    assert.match(JSON.stringify(error), /does not say which files it is for.*--files/);
    const { findings } = (await fettleJson([...asked, "--files", "*.txt"], 1, {
      env: scanner.env,
    })) as unknown as ScanResult;
    assert.deepEqual(
      findings.map(({ label, severity }) => [label, severity]),
      names.map((name) => [name, "medium"]),
    );
  });

  test("killed midway, the next scan goes on from there; stopped, it says so", async () => {
    const files = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`${i}/Dockerfile`, dockerfile(1000 + i)]));
    const folder = scanner.tree("killed", files);
    const cache = join(scanner.scratch, "cache-of-killed");
    const halfway = async (signal: NodeJS.Signals): Promise<number | null> => {
      const child = start(words(folder), { env: { FETTLE_CACHE: cache } });
      child.stdout!.resume();
      child.stderr!.resume();
      const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
      const before = linesOf(cache);
      while (child.exitCode === null && linesOf(cache) === before) await new Promise((next) => setTimeout(next, 5));
      child.kill(signal);
      return ended;
    };
    assert.equal(await halfway("SIGKILL"), null);
    const kept = linesOf(cache);
    assert.ok(kept >= 64 && kept < 400, `${kept} texts are kept`);
    assert.equal(await halfway("SIGINT"), 2);
    const more = linesOf(cache);
    assert.ok(more > kept && more < 400, `${more} texts are kept`);
    const last = (await fettleJson(words(folder), 1, { env: { FETTLE_CACHE: cache } })) as unknown as ScanResult;
    assert.deepEqual([last.files.found, last.files.cached, last.files.scored], [400, more, 400 - more]);
  });
});

/** Of the one cache there. */
function linesOf(cache: string): number {
  const folder = join(cache, "scan");
  try {
    const [name] = readdirSync(folder).filter((one) => one.endsWith(".scores"));
    return name === undefined ? 0 : readFileSync(join(folder, name), "utf8").split("\n").length - 1;
  } catch {
    return 0;
  }
}
