import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { UserError } from "../../base/errors.ts";
import { pairOutputs, prepareOutputs, writeOutputs } from "./outputs.ts";
import { scanResult } from "./scan-result.cases.ts";

test("each output is of the format before it, a first one of the format after it", () => {
  assert.deepEqual(pairOutputs([]), { files: [], stdout: undefined });
  assert.deepEqual(pairOutputs([{ format: "json" }]), { files: [], stdout: "json" });
  const sarif = { files: [{ format: "sarif", path: "x" }], stdout: undefined };
  assert.deepEqual(pairOutputs([{ format: "sarif" }, { output: "x" }]), sarif);
  assert.deepEqual(pairOutputs([{ output: "x" }, { format: "sarif" }]), sarif);
  assert.deepEqual(
    pairOutputs([{ format: "github" }, { format: "sarif" }, { output: "x" }, { format: "junit" }, { output: "y" }]),
    {
      files: [
        { format: "sarif", path: "x" },
        { format: "junit", path: "y" },
      ],
      stdout: "github",
    },
  );
});

test("what cannot be meant is refused", () => {
  const refused = (words: Parameters<typeof pairOutputs>[0], code: string): void => {
    assert.throws(
      () => pairOutputs(words),
      (error) => error instanceof UserError && error.code === code,
    );
  };
  refused([{ format: "json" }, { format: "sarif" }], "scan/two-on-stdout");
  refused([{ output: "x" }], "scan/output-without-format");
  refused([{ format: "json" }, { output: "x" }, { output: "y" }], "scan/output-without-format");
  refused([{ format: "xml" }, { output: "x" }], "scan/unknown-format");
});

test("folders are made, files replaced, and what is read is not written over", () => {
  const folder = mkdtempSync(join(tmpdir(), "fettle-outputs-"));
  try {
    const files = [{ format: "json", path: join(folder, "new/deep/x.json") }];
    prepareOutputs(files, []);
    assert.deepEqual(writeOutputs(files, scanResult([]), { root: folder, prefix: "" }), []);
    assert.equal(JSON.parse(readFileSync(files[0]!.path, "utf8")).kind, "scan");
    const refused = (paths: readonly string[], inputs: readonly string[], message: RegExp): void => {
      assert.throws(
        () =>
          prepareOutputs(
            paths.map((path) => ({ format: "json", path: join(folder, path) })),
            inputs,
          ),
        (error) => error instanceof UserError && message.test(error.message),
      );
    };
    writeFileSync(join(folder, "Dockerfile"), "FROM x\n");
    refused(["Dockerfile"], [join(folder, "Dockerfile")], /is read/);
    refused(["a", "./a"], [], /two outputs/);
    refused(["new"], [], /is a folder/);
    assert.equal(existsSync(join(folder, "a")), false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
