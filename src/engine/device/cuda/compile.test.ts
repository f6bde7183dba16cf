import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { UserError } from "../../../base/errors.ts";
import { KernelImages, type KernelImagesOptions, onlyArchitectureOf } from "./compile.ts";
import type { NvrtcOutcome, NvrtcSource } from "./nvrtc.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-cubin-test-"));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "one.cu"), "text of one");
writeFileSync(join(folder, "one.sm_90a.cu"), "text of one for Hopper");
writeFileSync(join(folder, "shared.cuh"), "a header");

/** Stands where NVRTC does: its image says what it was made from. */
class Compiler {
  readonly version: string;
  readonly seen: NvrtcSource[] = [];

  constructor(version = "13.0") {
    this.version = version;
  }

  compile(source: NvrtcSource, architecture: number): NvrtcOutcome {
    this.seen.push(source);
    if (source.text.includes("mistake")) return { ok: false, log: `${source.name}(1): error: a mistake` };
    return { ok: true, image: Buffer.from(`${source.text} ${source.options.join(" ")} ${architecture}`), log: "" };
  }
}

function images(compiler: Compiler, options: Partial<KernelImagesOptions> = {}): KernelImages {
  const cacheFolder = join(folder, "cache");
  const folders = { sourceFolder: folder, headerFolder: folder, cacheFolder };
  return new KernelImages({ compiler, ...folders, architecture: 90, driverVersion: 13000, ...options });
}

const macros = new Map<string, string | number>([
  ["X", "bf16"],
  ["TILE", 64],
]);

describe("KernelImages", () => {
  it("hands the compiler text, headers and macros, and keeps what comes back", () => {
    const compiler = new Compiler();
    const image = Buffer.from(images(compiler).image("one.cu", macros)).toString();
    assert.equal(image, "text of one --std=c++17 -default-device -DX=bf16 -DTILE=64 90");
    assert.equal(compiler.seen[0]?.headers["shared.cuh"], "a header");
    const second = new Compiler();
    assert.equal(Buffer.from(images(second).image("one.cu", macros)).toString(), image);
    assert.equal(second.seen.length, 0);
  });

  it("tells the compiler which sources are for one architecture alone", () => {
    const compiler = new Compiler();
    images(compiler).image("one.cu", new Map([["PLACE", 1]]));
    images(compiler).image("one.sm_90a.cu", new Map());
    assert.deepEqual(
      compiler.seen.map(({ specific }) => specific),
      [false, true],
    );
    assert.deepEqual(["a/one.cu", "a/one.sm_90a.cu", "a/one.sm_100a.cu"].map(onlyArchitectureOf), [undefined, 90, 100]);
  });

  it("compiles anew for anything that makes a difference", () => {
    const changes: readonly (readonly [string, () => KernelImages, typeof macros])[] = [
      ["macro", () => images(compiler), new Map([...macros, ["TILE", 128]])],
      ["architecture", () => images(compiler, { architecture: 80 }), macros],
      ["driver", () => images(compiler, { driverVersion: 12080 }), macros],
      ["version", () => images(compiler), macros],
      ["header", () => images(compiler), macros],
      ["text", () => images(compiler), macros],
    ];
    let compiler = new Compiler();
    for (const [what, open, wanted] of changes) {
      compiler = new Compiler(what === "version" ? "12.9" : "13.0");
      if (what === "header") writeFileSync(join(folder, "shared.cuh"), "another header");
      if (what === "text") writeFileSync(join(folder, "one.cu"), "another text");
      open().image("one.cu", wanted);
      open().image("one.cu", wanted);
      assert.equal(compiler.seen.length, 1, what);
    }
  });

  it("makes a damaged file of the cache anew", () => {
    const cacheFolder = join(folder, "damaged");
    const whole = Buffer.from(images(new Compiler(), { cacheFolder }).image("one.cu", macros));
    const [name] = readdirSync(cacheFolder);
    const file = join(cacheFolder, name!);
    const kept = readFileSync(file);
    const flipped = Buffer.from(kept);
    flipped[flipped.length - 1]! ^= 1;
    for (const damaged of [flipped, kept.subarray(0, -1), kept.subarray(0, 10), Buffer.alloc(0)]) {
      writeFileSync(file, damaged);
      const compiler = new Compiler();
      assert.ok(whole.equals(images(compiler, { cacheFolder }).image("one.cu", macros)));
      assert.equal(compiler.seen.length, 1);
      assert.ok(kept.equals(readFileSync(file)));
    }
    assert.deepEqual(readdirSync(cacheFolder), [name]);
  });

  it("hands on the compiler's words about a mistake", () => {
    writeFileSync(join(folder, "wrong.cu"), "a mistake");
    assert.throws(
      () => images(new Compiler()).image("wrong.cu", macros),
      (error) =>
        error instanceof UserError &&
        error.code === "cuda/compile-failed" &&
        /wrong\.cu with -DX=bf16 -DTILE=64:\nwrong\.cu\(1\): error/.test(error.message),
    );
  });

  it("works without a cache that can be written, and says so", () => {
    const opened = images(new Compiler(), { cacheFolder: join(folder, "one.cu", "below a file") });
    assert.ok(opened.image("one.cu", macros).length > 0);
    assert.match(opened.note!, /cannot be written/);
  });
});
