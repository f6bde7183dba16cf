/** `fettle compare --tools` with answers as tools give them; `npm run interop -- tools` runs the real ones. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { compare } from "fettle";
import type { ComparisonResult } from "../../src/app/api/compare.ts";
import { readComparison } from "../../src/app/api/comparison-file.ts";
import { train } from "../../src/app/api/train.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import { fettle, fettleJson } from "../helpers/cli.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-compare-tools-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const at = (name: string): string => join(scratch, name);

/** Even files run as root, every third one has an open version; the files of four come from one repository. */
const ROWS = 24;
const rows = Array.from({ length: ROWS }, (_, i) => ({
  text: `FROM alpine${i % 3 === 0 ? "" : ":3.20"}\nRUN echo ${i}\n${i % 2 === 0 ? "" : "USER app\n"}`,
  labels: [...(i % 2 === 0 ? ["root"] : []), ...(i % 3 === 0 ? ["open-version"] : [])],
  repository: `r${Math.floor(i / 4)}`,
}));

const taxonomy = `version: 1
sources:
  - {tool: hadolint, repository: hadolint/hadolint, commit: "1", licence: GPL-3.0}
  - {tool: trivy, repository: aquasecurity/trivy-checks, commit: "1", licence: MIT}
classes:
${["root", "open-version"]
  .map(
    (name, i) => `  - name: ${name}
    title: ${name}
    description: What it is.
    why: What can happen.
    fix: What to do.
    severity: high
    cwe: [CWE-250]
    checks:
      - {name: check-${name}, title: A check, trivy: [DS-${i}]${i === 0 ? "" : ", hadolint: [DL3006]"}}
`,
  )
  .join("")}left_out:
  reason: They are no risk.
  checks: []
`;

interface Finding {
  readonly rule: string;
  readonly message: string;
  readonly startLine?: number;
}

const keyOf = (text: string): string => createHash("sha256").update(text).digest("hex");

function answers(tool: string, of: (i: number) => readonly Finding[] | null): object {
  return { tool, version: "1.2.3", findings: Object.fromEntries(rows.map(({ text }, i) => [keyOf(text), of(i)])) };
}

/** Hadolint sees every open version; Trivy takes every file for one that runs as root, and cannot read the last. */
const kept = {
  kind: "tool answers",
  version: 1,
  tools: [
    answers("hadolint", (i) => (i % 3 === 0 ? [{ rule: "DL3006", message: "Tag the version", startLine: 1 }] : [])),
    answers("trivy", (i) =>
      i === ROWS - 1
        ? null
        : [
            { rule: "DS-0", message: "root" },
            { rule: "DS-9", message: "" },
          ],
    ),
  ],
};

/** A model that is sure of root and right, and sees two of the eight open versions, least surely a third. */
function prediction(i: number): object {
  const { labels } = rows[i]!;
  const version = i === 0 || i === 3 ? 0.9 : i === 6 ? 0.4 : 0.1 + i / 1000;
  const probabilities = { root: labels.includes("root") ? 0.95 : 0.05, "open-version": version };
  const given = Object.entries(probabilities).flatMap(([name, p]) => (p >= 0.5 ? [name] : []));
  return { where: `${at("data.jsonl")}:${i + 1}`, labels: given, probabilities, targets: labels };
}

const words = ["compare", at("model.jsonl"), "--data", at("data.jsonl"), "--tools", "hadolint,trivy"];
const withAnswers = ["--taxonomy", at("taxonomy.yaml"), "--tool-answers", at("answers.json")];

const lines = (all: readonly object[]): string => all.map((row) => `${JSON.stringify(row)}\n`).join("");
before(() => {
  writeFileSync(at("data.jsonl"), lines(rows));
  writeFileSync(at("model.jsonl"), lines(rows.map((_, i) => prediction(i))));
  writeFileSync(at("taxonomy.yaml"), taxonomy);
  writeFileSync(at("answers.json"), JSON.stringify(kept));
});

describe("a model beside tools", () => {
  test("is set beside them class by class, at the same precision and number of alerts, and together", async () => {
    const { code, stdout, stderr } = await fettle([...words, ...withAnswers, "--group", "repository"]);
    assert.equal(code, 0, stderr);
    for (const line of [
      /^24 rows in 6 groups of repository, matched by where$/m,
      /^trivy 1\.2\.3: rules for 2 of 2 classes; 1 file that it cannot read count as silence; 1 rule of its findings is in no class$/m,
      // 14 alerts of 20 labels; 6 of 48 decisions wrong, all of them silence.
      /^model\.jsonl +14 +87\.5 \([\d.]+ to [\d.]+\) +100\.0 +70\.0 +82\.4 +70\.0$/m,
      /^trivy +23 +60\.4 \([\d.]+ to [\d.]+\) +52\.2 +60\.0 /m,
      /^ {2}on its 1 class +8 +100\.0 /m,
      // Six repositories, all in favour of the model: 2 of 64 sign patterns; six tests.
      /^model\.jsonl and trivy cannot be told apart: model\.jsonl is ahead by 27\.1 points of accuracy \(.*; sign-flip exact p = 0\.031, Holm 0\.19\)/m,
      /^On the 1 of 2 classes that hadolint has rules for, model\.jsonl and hadolint cannot be told apart: hadolint is ahead by 25\.0/m,
      /^root +12 +100\.0 \/ 100\.0 +\(50\.0 \/ 0\.0\) +54\.2 \/ 100\.0$/m,
      /^any tool +31 /m,
      /^model\.jsonl or hadolint +20 +100\.0 /m,
      /^open-version +0 +6 {2}such as .*data\.jsonl:7$/m,
    ]) {
      assert.match(stdout, line);
    }
    assert.match(stderr, /the taxonomy does not know 1 rule of trivy, left out: DS-9 \(23\)/);
  });

  test("has at the tool's number of alerts its surest ones, and says what thresholds were chosen on", async () => {
    const { beside, pairs } = await compare([at("model.jsonl")], {
      data: [at("data.jsonl")],
      tools: ["hadolint", "trivy"],
      taxonomy: at("taxonomy.yaml"),
      toolAnswers: at("answers.json"),
    });
    const [hadolint] = beside!.pairs;
    assert.deepEqual([hadolint!.atPrecision!.chosenOn, hadolint!.atAlerts!.chosenOn], ["judged rows", "alerts"]);
    // The surest three are right, the next five are the last rows, of which 22 has an open version.
    assert.deepEqual(
      [hadolint!.atAlerts!.perClass[0]!.model!.alerts, hadolint!.atAlerts!.perClass[0]!.model!.precision.value],
      [8, 4 / 8],
    );
    assert.equal(hadolint!.atPrecision!.perClass[0]!.model!.recall.value, 3 / 8);
    // Whole rows: tools are not compared with each other.
    assert.deepEqual(
      pairs.map(({ a, b }) => [a, b]),
      [
        ["model.jsonl", "hadolint"],
        ["model.jsonl", "trivy"],
      ],
    );
  });

  test("all rows that one side alone has right can be kept, with what the tools named", async () => {
    const all = at("decided.jsonl");
    await fettleJson([...words, ...withAnswers, "--disagreements", all], 0);
    const read = readFileSync(all, "utf8").trim().split("\n");
    const decided = read.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      decided.map(({ label, row, right }) => [label, row, right]),
      // Files without root, which Trivy takes for files with it; the last it cannot read.
      [
        ...rows.flatMap((_, i) => (i % 2 === 1 && i < ROWS - 1 ? [["root", i + 1, "model"]] : [])),
        ...rows.flatMap((_, i) => (i % 3 === 0 && i > 3 ? [["open-version", i + 1, "tools"]] : [])),
      ],
    );
    assert.deepEqual([decided[0]!.tools, decided[0]!.text], [["trivy"], rows[1]!.text]);
    assert.deepEqual(decided.at(-1)!.named, [
      { tool: "hadolint", rule: "DL3006", message: "Tag the version", startLine: 1, endLine: 1 },
    ]);
  });
});

test("the file of a comparison keeps what tools say, a few rows of each class to read among it", async () => {
  const file = at("comparison.json");
  await fettleJson([...words, ...withAnswers, "--output", file], 0);
  const { beside } = readComparison(file);
  assert.deepEqual(
    beside!.tools.map(({ name }) => name),
    ["hadolint", "trivy"],
  );
  assert.deepEqual(beside!.counts, [
    { label: "root", onlyModel: 11, onlyTools: 0 },
    { label: "open-version", onlyModel: 0, onlyTools: 6 },
  ]);
  assert.equal(beside!.decided.length, 6);
  writeFileSync(file, readFileSync(file, "utf8").replace('"support":[', '"support":[1,'));
  assert.throws(() => readComparison(file), { code: "report/no-comparison" });
});

test("a run brings its test rows, its taxonomy, and validation rows to choose thresholds on", async () => {
  const part = (name: string, from: number, to: number): string => {
    writeFileSync(at(name), lines(rows.slice(from, to).map(({ text, labels }) => ({ text, labels }))));
    return at(name);
  };
  const run = at("run");
  await train({
    base: join(packageRoot, "models/fettle-nano"),
    task_type: "SEQ_CLS",
    problem_type: "multi_label_classification",
    output: run,
    data: {
      train: part("train.jsonl", 0, 8),
      validation: part("held.jsonl", 8, 14),
      test: part("test.jsonl", 14, ROWS),
    },
    training: { max_steps: 1, batch_size: 4 },
    scan: { files: ["Dockerfile"], taxonomy: at("taxonomy.yaml") },
  });
  const result = await fettleJson(["compare", run, "--tools", "trivy", "--tool-answers", at("answers.json")], 0);
  const { beside } = result as unknown as ComparisonResult;
  assert.deepEqual([result.rows, beside!.pairs[0]!.atPrecision!.chosenOn], [10, "validation rows"]);
  // Ten test rows, Trivy silent on the last; what it says of the six validation rows is in no figure.
  assert.equal(beside!.subjects[1]!.overall.alerts, 9);
  assert.equal(beside!.tools[0]!.unread, 1);
});

test("what is missing is told before anything is scored", async () => {
  const [model, data] = [[at("model.jsonl")], [at("data.jsonl")]];
  const taxonomy = at("taxonomy.yaml");
  const toolAnswers = at("answers.json");
  const other = at("other.jsonl");
  writeFileSync(other, lines([{ ...rows[0], text: "FROM scratch\n" }]));
  const one = rows.slice(0, 2).map(({ text }, i) => ({ text, label: i === 0 ? "root" : "none" }));
  writeFileSync(at("single.jsonl"), lines(one));
  writeFileSync(at("one.jsonl"), lines([{ where: `${at("single.jsonl")}:1`, prediction: "root" }]));
  for (const [names, options, code] of [
    [model, { data, tools: ["hadolint"] }, "compare/no-taxonomy"],
    [[...model, ...model], { data, taxonomy }, "compare/no-tools"],
    [model, { data, taxonomy, tools: ["hadolnt"] }, "tools/missing"],
    [model, { data, taxonomy, tools: ["kics"], toolAnswers }, "compare/tool-answers"],
    [model, { data: [other], taxonomy, tools: ["hadolint"], toolAnswers }, "compare/tool-answers"],
    [model, { data, taxonomy, tools: ["hadolint"], toolAnswers: other }, "compare/tool-answers"],
    [model, { taxonomy, tools: ["hadolint"], toolAnswers }, "compare/no-texts"],
    [
      [at("one.jsonl")],
      { data: [at("single.jsonl")], taxonomy, tools: ["hadolint"], toolAnswers },
      "compare/one-label",
    ],
    [[], { data, taxonomy, tools: ["hadolint", "trivy"], toolAnswers }, "compare/subjects"],
  ] as const) {
    await assert.rejects(compare(names, options), { code });
  }
  const overwriting = await fettleJson([...words, "--taxonomy", taxonomy, "--tool-answers", at("data.jsonl")], 2);
  assert.equal((overwriting.error as { code: string }).code, "cli/overwrites-input");
});
