import assert from "node:assert/strict";
import { test } from "node:test";
import { parseHubName } from "./hub-name.ts";

test("names with and without revision", () => {
  assert.deepEqual(parseHubName("Qwen/Qwen2.5-0.5B"), { repo: "Qwen/Qwen2.5-0.5B", revision: "main" });
  assert.deepEqual(parseHubName("a/b@v1.0"), { repo: "a/b", revision: "v1.0" });
  assert.deepEqual(parseHubName("a/b_c@refs/pr/1"), { repo: "a/b_c", revision: "refs/pr/1" });
});

test("paths, and what would lead out of the cache, are no names", () => {
  const others = [
    "model",
    "a/b/c",
    "/a/b",
    "./a",
    "../a",
    "a/..",
    "a/b@../x",
    "a/b@",
    "a/b@x/..",
    "a--b/c",
    "a/.b",
    "~/b",
  ];
  for (const text of [...others, "a/b@-x", "a\\b/c", "a/b c", `a/${"b".repeat(300)}`, ""]) {
    assert.equal(parseHubName(text), undefined, text);
  }
});
