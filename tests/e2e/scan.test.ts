/** A trained classifier over trees of files: what it says is what `predict` says, and is kept. */
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { loadModel } from "../../src/app/api/load-model.ts";
import { predict } from "../../src/app/api/predict.ts";
import type { RunEvent } from "../../src/base/events.ts";
import { plainRule, type ScanSettings } from "../../src/tune/train/scan-settings.ts";
import { dockerfile, names, problemsOf, SmallScanner } from "../helpers/small-scanner.ts";

const scanner = new SmallScanner();
before(() => scanner.prepare());
after(() => scanner.remove());

describe("what a scan says", () => {
  test("is what predict says of the same texts, to the bit, with what the taxonomy says of the labels", async () => {
    const texts = Array.from({ length: 9 }, (_, i) => dockerfile(i * 7));
    const folder = scanner.tree("same", Object.fromEntries(texts.map((text, i) => [`d${i}/Dockerfile`, text])));
    const result = await scanner.scan(folder);
    using model = await loadModel(scanner.run, { device: "reference" });
    for await (const { row, probabilities } of predict(model, { texts })) {
      const own = result.findings.filter(({ path }) => path === `d${row - 1}/Dockerfile`);
      assert.deepEqual(Object.fromEntries(own.map(({ label, probability }) => [label, probability])), probabilities);
    }
    const [first] = result.findings;
    assert.deepEqual([first!.threshold, first!.region], [0, { startLine: 1, endLine: 3, by: "whole-text" }]);
    assert.equal(first!.snippet, texts[0]!.trimEnd());
    assert.deepEqual(
      result.model.rules.map(({ label, title, severity, fix, cwe }) => [label, title, severity, fix, cwe]),
      names.map((name, i) => [
        name,
        `Title of ${name}`,
        ["low", "high", "critical"][i],
        `Mend ${name}`,
        [`CWE-${250 + i}`],
      ]),
    );
    assert.equal(result.findings.find(({ label }) => label === "secret")!.severity, "high");
  });

  test("is kept: the second scan opens no model, and says the same", async () => {
    const folder = scanner.tree("kept", { "a/Dockerfile": dockerfile(100), "b/Dockerfile": dockerfile(101) });
    const events: RunEvent[] = [];
    const first = await scanner.scan(folder);
    const second = await scanner.scan(folder, { onEvent: (event) => events.push(event) });
    assert.deepEqual([first.files.scored, second.files.scored, second.files.cached], [2, 0, 2]);
    assert.deepEqual(second.findings, first.findings);
    assert.ok(!events.some((event) => event.kind === "choice" && event.name === "device"));
    appendFileSync(join(folder, "a/Dockerfile"), "# more\n");
    assert.deepEqual((await scanner.scan(folder)).files.scored, 1);
    assert.deepEqual((await scanner.scan(folder, { cache: false })).files.scored, 2);
  });

  test("goes by the thresholds of now, and nobody else's scores", async () => {
    const folder = scanner.tree("other", { Dockerfile: dockerfile(110) });
    const other = scanner.copy("recalibrated");
    scanner.setThreshold(other, 1.1);
    const [first, second] = [await scanner.scan(folder), await scanner.scan(folder, { run: other })];
    assert.deepEqual([first.findings.length, second.findings.length], [3, 0]);
    assert.notEqual(first.model.fingerprint, second.model.fingerprint);
  });

  test("a text longer than max_length is read in windows: the highest counts, and the lines are its own", async () => {
    const parts = Array.from({ length: 40 }, (_, i) => `RUN install part-${i} of-the-whole number-${i * i}\n`);
    const folder = scanner.tree("long", { Dockerfile: parts.join("") });
    const { findings, files, problems } = await scanner.scan(folder);
    assert.deepEqual([problems, files.scored], [[], 1]);
    assert.ok(files.texts > 5, `${files.texts} windows`);
    using model = await loadModel(scanner.run, { device: "reference" });
    for (const { region, probability, label } of findings) {
      const text = parts.slice(region.startLine - 1, region.endLine).join("");
      for await (const { probabilities } of predict(model, { texts: [text] })) {
        assert.equal(probabilities[label], probability);
      }
    }
    const oneLine = scanner.tree("one-line", { Dockerfile: `RUN ${"install things ".repeat(300)}` });
    assert.ok((await scanner.scan(oneLine)).files.texts > 5);
  });

  test("functions are scored one by one, where the recipe says so", async () => {
    const rows = Array.from({ length: 8 }, (_, i) => ({ code: `int f${i}() { return ${i}; }`, target: i % 2 }));
    const java = await scanner.train("java", rows, {
      data: { columns: { text: "code", label: "target" }, labels: { "0": "safe", "1": "vulnerable" } },
      scan: { files: ["*.java"], unit: "function" },
    });
    const { clean, rules } = scanner.classifier(java).scan as ScanSettings;
    assert.deepEqual([clean, rules], [["safe"], [plainRule("vulnerable")]]);
    // The least probability of the positive label.
    scanner.change(java, { thresholds: { vulnerable: 0 } });
    const folder = scanner.tree("code", {
      "A.java": "class A {\n  int one() { return 1; }\n\n  int two() {\n    return 2;\n  }\n}\n",
      "Broken.java": "class B {\n  int good() { return 1; }\n  int bad( { }\n}\n",
      "I.java": "interface I { int none(); }\n",
      "A.txt": "int no() { return 1; }",
    });
    const result = await scanner.scan(folder, { run: java });
    const told = result.findings.map(
      ({ path, unit, region }) => `${path} ${unit} ${region.startLine}-${region.endLine}`,
    );
    assert.deepEqual(told.slice(0, 3), ["A.java A.one 2-2", "A.java A.two 4-6", "Broken.java B.good 2-2"]);
    assert.deepEqual(result.files.empty, 1);
    assert.deepEqual(problemsOf(result), ["note Broken.java: line 3 is no valid Java"]);
    using model = await loadModel(java, { device: "reference" });
    for await (const { probabilities } of predict(model, { texts: ["int two() {\n  return 2;\n}"] })) {
      assert.equal(result.findings[1]!.probability, probabilities.vulnerable);
    }
    const again = await scanner.scan(folder, { run: java });
    assert.deepEqual([again.findings, again.files.cached, again.problems], [result.findings, 2, result.problems]);
  });
});
