/**
 * Tasks out, annotations in, against a real Label Studio server:
 *
 *     pip install label-studio
 *     FETTLE_LABEL_STUDIO=$(which label-studio) npm test -- e2e/label-studio
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import { fettle, fettleJson } from "../helpers/cli.ts";
import { LabelStudioServer } from "../helpers/label-studio-server.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const executable = process.env.FETTLE_LABEL_STUDIO;
const skip =
  executable === undefined ? "set FETTLE_LABEL_STUDIO to the path of label-studio (pip install label-studio)" : false;

const folder = mkdtempSync(join(tmpdir(), "fettle-label-studio-"));
after(() => rmSync(folder, { recursive: true }));
const names = ["World", "Sports", "Business", "Sci/Tech"];
const texts = readFileSync(join(packageRoot, "examples/ag-news/test.jsonl"), "utf8")
  .split("\n")
  .slice(0, 30)
  .map((line) => (JSON.parse(line) as { text: string }).text);

function file(name: string, rows: readonly object[]): string {
  const path = join(folder, name);
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
}

function lines(path: string): Record<string, unknown>[] {
  return readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

interface Task {
  readonly id: number;
  readonly data: { readonly text: string; readonly source?: string };
  readonly predictions: readonly {
    readonly score: number;
    readonly model_version: string;
    readonly result: readonly { readonly value: { readonly choices: readonly string[] } }[];
  }[];
}

describe("a Label Studio server", { skip }, () => {
  let server: LabelStudioServer;
  before(async () => {
    server = await LabelStudioServer.start(executable!);
  });
  after(() => server?.[Symbol.asyncDispose]());

  const environment = () => ({ env: { LABEL_STUDIO_URL: server.url, LABEL_STUDIO_API_KEY: server.token } });
  const labelStudio = (...words: readonly string[]) => fettleJson(["data", "label-studio", ...words], 0, environment());
  const tasksOf = async (project: number): Promise<Task[]> => {
    const { tasks } = await server.ask("GET", `/api/tasks?project=${project}&page_size=500&fields=all`);
    return tasks as Task[];
  };
  const annotate = (task: number, control: string, person: number, choices: readonly string[], more: object = {}) =>
    server.ask("POST", `/api/tasks/${task}/annotations/`, {
      completed_by: person,
      ...more,
      result: [{ from_name: control, to_name: "text", type: "choices", value: { choices } }],
    });

  it("rows go out once, and what people chose comes in", async () => {
    const rows = texts.map((text, i) => ({ text, label: names[i % 4], source: `wire ${i}` }));
    const all = file("rows.jsonl", [...rows, rows[0]!]);
    const first = await labelStudio("export", file("some.jsonl", rows.slice(0, 12)), "--title", "News & more");
    assert.deepEqual([first.tasks, first.there, first.created], [12, 0, true]);
    const project = Number(first.project);
    const again = await labelStudio("export", all, "--project", `${project}`);
    assert.deepEqual([again.tasks, again.there, again.repeated], [18, 12, 1]);
    assert.equal((await labelStudio("export", all, "--project", `${project}`)).tasks, 0);
    const tasks = await tasksOf(project);
    assert.deepEqual(
      tasks.map(({ data }) => data),
      rows.map(({ text, source }) => ({ text, source })),
    );

    for (const person of ["b", "c"]) {
      await server.ask("POST", "/api/users/", {
        email: `${person}@example.com`,
        username: person,
        password: "a-password-2",
      });
    }
    const chosen = [["World", "World"], ["Sports", "Business"], ["Sci/Tech"]];
    for (const [i, answers] of chosen.entries()) {
      for (const [person, label] of answers.entries()) await annotate(tasks[i]!.id, "label", person + 1, [label]);
    }
    await annotate(tasks[1]!.id, "label", 3, ["Sports"]);
    await annotate(tasks[3]!.id, "label", 1, ["World"], { was_cancelled: true });
    const output = join(folder, "labels.jsonl");
    const pulled = await labelStudio("import", "--project", `${project}`, "--output", output);
    assert.deepEqual([pulled.tasks, pulled.rows, pulled.skipped], [30, 3, 27]);
    const expected = [0, 1, 2].map((i) => ({
      text: texts[i],
      source: `wire ${i}`,
      label: ["World", "Sports", "Sci/Tech"][i],
    }));
    assert.deepEqual(lines(output), expected);
    assert.match(String(pulled.reason), /3 of 30 tasks labelled.*3 annotators on 2 tasks: 50\.0 % of pairs agree/);

    const raw = join(folder, "tasks.json");
    await labelStudio("import", "--project", `${project}`, "--output", raw, "--raw");
    const { sets } = (await fettleJson(["data", "stats", raw], 0)) as {
      sets: { rows: number; labels: object; formats: string[] }[];
    };
    assert.deepEqual(
      [sets[0]!.rows, sets[0]!.formats, Object.keys(sets[0]!.labels)],
      [3, ["label-studio"], ["Sci/Tech", "Sports", "World"]],
    );
    const { error } = await fettleJson(
      ["data", "label-studio", "import", "--project", `${project}`, "--output", raw, "--raw"],
      2,
      environment(),
    );
    assert.equal((error as { code: string }).code, "label-studio/exists");
  });

  it("a model's answers are shown, and what it is least sure of comes first", async () => {
    const model = join(folder, "small, model");
    writeSmallModel(model);
    const rows = file(
      "texts.jsonl",
      texts.map((text) => ({ text })),
    );
    const labels = ["--labels", names.join(",")];
    const done = await labelStudio("export", rows, "--model", model, ...labels, "--limit", "20");
    assert.deepEqual([done.tasks, done.predictions, done.modelVersion], [20, 20, "small  model"]);
    const project = Number(done.project);
    const { predictions } = (await fettleJson(["predict", model, "--data", rows, ...labels], 0)) as {
      predictions: { row: number; label: string; probabilities: Record<string, number> }[];
    };
    const expected = predictions
      .map(({ row, label, probabilities }) => {
        const [most, next] = Object.values(probabilities).sort((a, b) => b - a);
        return { text: texts[row - 1], label, margin: most! - next! };
      })
      .sort((a, b) => a.margin - b.margin);
    const tasks = await tasksOf(project);
    assert.deepEqual(
      tasks.map(({ data }) => data.text),
      expected.slice(0, 20).map(({ text }) => text),
    );
    for (const [i, { predictions: shown }] of tasks.entries()) {
      assert.deepEqual(shown[0]!.result[0]!.value.choices, [expected[i]!.label]);
      assert.ok(Math.abs(shown[0]!.score - expected[i]!.margin) < 1e-6);
    }
    const next = await server.ask("GET", `/api/projects/${project}/next`);
    assert.equal(next.id, tasks[0]!.id);
    assert.equal((next.predictions as unknown[]).length, 1);

    const more = await labelStudio("export", rows, "--project", `${project}`, "--model", model, "--measure", "entropy");
    assert.deepEqual([more.tasks, more.there, more.predictions], [10, 20, 10]);
    const other = join(folder, "other");
    writeSmallModel(other);
    const second = ["--project", `${project}`, "--model", other];
    assert.deepEqual((await labelStudio("export", rows, ...second)).predictions, 30);
    assert.deepEqual((await labelStudio("export", rows, ...second)).predictions, 0);
    assert.ok((await tasksOf(project)).every((task) => task.predictions.length === 2));
    assert.equal((await server.ask("GET", `/api/projects/${project}/`)).model_version, "other");
  });

  it("several labels a row, over pages of tasks, with a personal access token", async () => {
    const { token } = await server.ask("POST", "/api/token/");
    const personal = { env: { LABEL_STUDIO_URL: server.url, LABEL_STUDIO_API_KEY: String(token) } };
    const rows = Array.from({ length: 230 }, (_, i) => ({ text: `row ${i} <b> "&"` }));
    const words = ["data", "label-studio", "export", file("many.jsonl", rows), "--labels", 'a "&" b,<c>', "--several"];
    const done = await fettleJson(words, 0, personal);
    assert.equal(done.tasks, 230);
    const tasks = await tasksOf(Number(done.project));
    const last = tasks.at(-1)!;
    await annotate(last.id, "labels", 1, ["<c>", 'a "&" b']);
    await annotate(tasks[0]!.id, "labels", 1, ["<c>"]);
    const output = join(folder, "several.jsonl");
    await fettleJson(
      ["data", "label-studio", "import", "--project", String(done.project), "--output", output],
      0,
      personal,
    );
    assert.deepEqual(lines(output), [
      { text: rows[0]!.text, labels: ["<c>"] },
      { text: last.data.text, labels: ["<c>", 'a "&" b'] },
    ]);
  });

  it("what is wrong is said, and the key never", async () => {
    const bad = { env: { LABEL_STUDIO_URL: server.url, LABEL_STUDIO_API_KEY: "not-the-key-0123" } };
    const path = file("one.jsonl", [{ headline: "x" }]);
    const failing = [
      [["export", path, "--labels", "a,b", "--column", "text=headline"], bad, /does not take the key: Invalid token/],
      [["import", "--project", "99999", "--output", join(folder, "x.jsonl")], environment(), /no project 99999/],
      [
        ["import", "--project", "99999", "--output", join(folder, "x.jsonl")],
        { env: { ...bad.env, LABEL_STUDIO_URL: "http://127.0.0.1:9" } },
        /cannot be reached/,
      ],
      [
        ["import", "--project", "1", "--output", join(folder, "x.jsonl")],
        { env: { ...environment().env, LABEL_STUDIO_URL: `${server.url}/user` } },
        /not that of a Label Studio server/,
      ],
      [["export", path, "--project", "1"], environment(), /shows \$text, which the rows do not have/],
    ] as const;
    for (const [words, options, expected] of failing) {
      const { code, stderr, stdout } = await fettle(["data", "label-studio", ...words], options);
      assert.equal(code, 2, stderr);
      assert.match(stderr, expected);
      assert.ok(!`${stderr}${stdout}`.includes(options.env.LABEL_STUDIO_API_KEY));
    }
  });
});
