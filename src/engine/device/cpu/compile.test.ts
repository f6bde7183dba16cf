import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { UserError } from "../../../base/errors.ts";
import { type CompiledLibrary, compileKernels } from "./compile.ts";

const folder = await mkdtemp(join(tmpdir(), "fettle-compile-test-"));
after(() => rm(folder, { recursive: true }));

async function source(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

const good = await source("good.c", "int answer(void) { return 42; }\n");
const cacheFolder = join(folder, "cache");
const first = await compileKernels({ sources: [good], includeFolder: folder, cacheFolder });
const skip = first.path === undefined ? first.reason : false;

async function compiled(options: Parameters<typeof compileKernels>[0]): Promise<CompiledLibrary> {
  const library = await compileKernels(options);
  assert.ok(library.path !== undefined);
  return library;
}

describe("compileKernels", { skip }, () => {
  it("compiles once, again when a source changes, and leaves nothing half made", async () => {
    assert.equal((first as CompiledLibrary).cached, false);
    const second = await compiled({ sources: [good], includeFolder: folder, cacheFolder });
    assert.deepEqual([second.cached, second.path], [true, first.path]);
    const other = await source("other.c", "int answer(void) { return 43; }\n");
    const third = await compiled({ sources: [other], includeFolder: folder, cacheFolder });
    assert.equal(third.cached, false);
    assert.notEqual(third.path, first.path);
    assert.deepEqual(
      (await readdir(cacheFolder)).filter((name) => name.startsWith("compiling-")),
      [],
    );
  });

  it("lets two processes compile the same at once", async () => {
    const fresh = join(folder, "shared");
    const options = { sources: [good], includeFolder: folder, cacheFolder: fresh };
    const [a, b] = await Promise.all([compiled(options), compiled(options)]);
    assert.equal(a.path, b.path);
    assert.equal((await compiled(options)).cached, true);
  });

  it("hands on the compiler's words about a mistake", async () => {
    const bad = await source("bad.c", "int answer(void) { return undeclared_name; }\n");
    await assert.rejects(compileKernels({ sources: [bad], includeFolder: folder, cacheFolder }), (error) => {
      assert.ok(error instanceof UserError);
      assert.equal(error.code, "cpu/compile-failed");
      assert.match(error.message, /bad\.c:1.*undeclared_name/s);
      return true;
    });
  });

  it("refuses a named compiler that does not run, and says when there is none", async () => {
    const options = { sources: [good], includeFolder: folder, cacheFolder };
    await assert.rejects(compileKernels({ ...options, compiler: join(folder, "no-such-compiler") }), {
      code: "cpu/compiler-failed",
    });
    const path = process.env.PATH;
    process.env.PATH = folder;
    try {
      assert.match(((await compileKernels(options)) as { reason: string }).reason, /no C compiler/);
    } finally {
      process.env.PATH = path;
    }
  });

  it("works without a writable cache, and says so", async () => {
    const library = await compiled({
      sources: [good],
      includeFolder: folder,
      cacheFolder: join(good, "inside-a-file"),
    });
    assert.equal(library.cached, false);
    assert.match(library.notes.join(), /cannot be written/);
    await rm(join(library.path, ".."), { recursive: true });
  });
});
