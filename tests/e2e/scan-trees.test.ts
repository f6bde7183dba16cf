/** Trees as they are: ignored, linked, broken, huge; nothing is left out in silence, and nothing is waited for. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { dockerfile, pathsOf, problemsOf, SmallScanner } from "../helpers/small-scanner.ts";

const scanner = new SmallScanner();
before(() => scanner.prepare());
after(() => scanner.remove());

describe("trees as they are", () => {
  test(".gitignore of every folder, with negations; --no-gitignore; named files and folders all the same", async () => {
    const folder = scanner.tree("ignored", {
      ".git/Dockerfile": dockerfile(1),
      ".git/info/exclude": "excluded/\n",
      ".gitignore": "build/\n*.Dockerfile\n!keep.Dockerfile\n",
      Dockerfile: dockerfile(2),
      "build/Dockerfile": dockerfile(3),
      "excluded/Dockerfile": dockerfile(4),
      "x.Dockerfile": dockerfile(5),
      "keep.Dockerfile": dockerfile(6),
      "sub/.gitignore": "/Dockerfile\n!x.Dockerfile\n",
      "sub/Dockerfile": dockerfile(7),
      "sub/x.Dockerfile": dockerfile(8),
      "sub/deep/Dockerfile": dockerfile(9),
    });
    const kept = ["Dockerfile", "keep.Dockerfile", "sub/deep/Dockerfile", "sub/x.Dockerfile"];
    assert.deepEqual(pathsOf(await scanner.scan(folder)), kept);
    assert.deepEqual((await scanner.scan(folder, { gitignore: false })).files.found, 8);
    assert.deepEqual(pathsOf(await scanner.scan(join(folder, "sub"))), ["deep/Dockerfile", "x.Dockerfile"]);
    assert.deepEqual(pathsOf(await scanner.scan(join(folder, "build"))), ["Dockerfile"]);
    const paths = [join(folder, "build/Dockerfile"), join(folder, "sub/.gitignore")];
    assert.deepEqual(pathsOf(await scanner.scan(folder, { paths })), ["build/Dockerfile", "sub/.gitignore"]);
  });

  test("links, pipes, sockets, bytes that are no text, and nothing at all: counted, said, never waited for", async () => {
    const folder = scanner.tree("hostile", {
      Dockerfile: dockerfile(20),
      "binary/Dockerfile": Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2]),
      "latin/Dockerfile": Buffer.from("FROM caf\xe9\n", "latin1"),
      "empty/Dockerfile": "",
      "blank/Dockerfile": " \n\t\n",
      "pipe/x": "",
      "large/Dockerfile": "FROM a\n",
    });
    symlinkSync("..", join(folder, "empty/loop"));
    symlinkSync("../Dockerfile", join(folder, "pipe/Dockerfile"));
    symlinkSync("nowhere", join(folder, "large/x.Dockerfile"));
    execFileSync("mkfifo", [join(folder, "binary/x.Dockerfile")]);
    truncateSync(join(folder, "large/Dockerfile"), 50e6);
    mkdirSync(join(folder, "deep", ...new Array<string>(200).fill("d")), { recursive: true });
    const server = createServer().listen(join(folder, "s.Dockerfile"));
    await new Promise((resolve) => server.once("listening", resolve));
    const result = await scanner.scan(folder);
    server.close();
    assert.deepEqual(problemsOf(result), [
      "note binary/Dockerfile: it is no text",
      "note binary/x.Dockerfile: it is a pipe",
      "fatal large/Dockerfile: it has 50.0 MB".replace(" MB", "\u00a0MB"),
      "note large/x.Dockerfile: it is a link",
      "note latin/Dockerfile: it is no valid UTF-8",
      "note pipe/Dockerfile: it is a link",
      "note s.Dockerfile: it is a socket",
    ]);
    const { found, scored, cached, empty } = result.files;
    assert.deepEqual([found, scored + cached, empty], [6, 2, 2]);
    assert.deepEqual(pathsOf(result), ["Dockerfile", "latin/Dockerfile"]);
  });

  test("names that are no UTF-8, and names that steer terminals", {
    skip: process.platform !== "linux" && "the file system refuses them",
  }, async () => {
    const folder = scanner.tree("names", { x: "" });
    const odd = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe])]);
    mkdirSync(odd);
    writeFileSync(Buffer.concat([odd, Buffer.from("/Dockerfile")]), dockerfile(30));
    writeFileSync(
      Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xe9]), Buffer.from(".Dockerfile")]),
      dockerfile(31),
    );
    mkdirSync(join(folder, "\u001b[31mred"));
    writeFileSync(join(folder, "\u001b[31mred/Dockerfile"), dockerfile(32));
    const result = await scanner.scan(folder);
    assert.deepEqual(result.problems, []);
    assert.deepEqual(pathsOf(result), ["\u001b[31mred/Dockerfile", "\ufffd.Dockerfile", "\ufffd\ufffd/Dockerfile"]);
  });

  test("paths given twice, inside each other, through a link; and one that is not there", async () => {
    const folder = scanner.tree("twice", { "a/Dockerfile": dockerfile(40), "b/Dockerfile": dockerfile(41) });
    symlinkSync("a", join(folder, "link"));
    const paths = [folder, join(folder, "a"), join(folder, "link"), join(folder, "a/Dockerfile"), folder];
    assert.deepEqual(pathsOf(await scanner.scan(folder, { paths })), ["a/Dockerfile", "b/Dockerfile"]);
    await assert.rejects(scanner.scan(join(folder, "c")), { code: "files/missing", message: /no such file/ });
  });

  test("a tree of thousands of files: every one, once, in order", async () => {
    const folder = scanner.tree("many", {});
    for (let i = 0; i < 50; i++) {
      mkdirSync(join(folder, `d${i}/e`), { recursive: true });
      for (let j = 0; j < 60; j++) writeFileSync(join(folder, `d${i}/e/${j}.Dockerfile`), dockerfile(j % 5));
    }
    const result = await scanner.scan(folder);
    assert.deepEqual([result.files.found, result.files.scored + result.files.cached], [3000, 3000]);
    const paths = pathsOf(result);
    assert.deepEqual([paths.length, paths], [3000, paths.toSorted()]);
  });
});
