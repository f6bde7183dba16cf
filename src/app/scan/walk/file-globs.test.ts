import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FileGlobs } from "./file-globs.ts";

const matched = (patterns: readonly string[], paths: readonly string[]): string[] => {
  const globs = new FileGlobs(patterns);
  return paths.filter((path) => globs.match(path));
};

describe("which files a model is for", () => {
  test("a pattern without slashes is about the name, wherever the file lies", () => {
    const paths = ["Dockerfile", "a/b/Dockerfile", "Dockerfile.dev", "a/web.Dockerfile", "Dockerfiles", "dockerfile"];
    assert.deepEqual(matched(["Dockerfile", "Dockerfile.*", "*.Dockerfile"], paths), paths.slice(0, 4));
  });

  test("one with slashes is about the path", () => {
    const paths = ["src/A.java", "src/x/B.java", "test/C.java", "x/src/D.java"];
    assert.deepEqual(matched(["src/**/*.java"], paths), paths.slice(0, 2));
    assert.deepEqual(matched(["/src/*.java"], paths), paths.slice(0, 1));
    assert.deepEqual(matched(["{src,test}/*.java"], paths), ["src/A.java", "test/C.java"]);
  });

  test("! takes out again, and the last pattern that fits decides", () => {
    const paths = ["A.java", "ATest.java", "slow/BTest.java"];
    assert.deepEqual(matched(["*.java", "!*Test.java"], paths), ["A.java"]);
    assert.deepEqual(matched(["*.java", "!*Test.java", "slow/**"], paths), ["A.java", "slow/BTest.java"]);
    assert.deepEqual(matched(["!*.java"], paths), []);
  });
});
