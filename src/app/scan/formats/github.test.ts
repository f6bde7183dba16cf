import assert from "node:assert/strict";
import { test } from "node:test";
import { finding, hostileResult, hostileTexts, scanResult } from "../scan-result.cases.ts";
import type { ScanResult } from "../scan-result.ts";
import { oneLine } from "./finding-text.ts";
import { github } from "./github.ts";

interface Parsed {
  readonly command: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly message: string;
}

/** As the runner reads commands: actions/runner, src/Runner.Common/ActionCommand.cs. */
function parse(text: string): readonly Parsed[] {
  const lines = text.split(/\r\n|\r|\n/);
  assert.equal(lines.pop(), "");
  return lines.map((line) => {
    const match = /^::(\w+) (.*?)::(.*)$/s.exec(line);
    assert.ok(match, JSON.stringify(line));
    const pairs = match[2]!.split(",").map((pair): [string, string] => {
      const equals = pair.indexOf("=");
      return [pair.slice(0, equals), decode(pair.slice(equals + 1), { "%3A": ":", "%2C": "," })];
    });
    return { command: match[1]!, properties: Object.fromEntries(pairs), message: decode(match[3]!, {}) };
  });
}

function decode(text: string, more: Readonly<Record<string, string>>): string {
  const marks: Readonly<Record<string, string>> = { "%25": "%", "%0D": "\r", "%0A": "\n", ...more };
  return text.replace(/%(?:25|0D|0A|3A|2C)/g, (mark) => marks[mark] ?? mark);
}

function write(result: ScanResult, prefix = "") {
  const { text, notes } = github.write(result, { root: "/", prefix });
  return { commands: parse(text), notes };
}

test("findings are annotations of their lines, by severity", () => {
  const { commands, notes } = write(
    scanResult([
      finding(),
      finding({ severity: "medium", path: "b" }),
      finding({ severity: "low", path: "c" }),
      finding({ suppressed: { by: "inline", reason: "" } }),
    ]),
    "sub/",
  );
  assert.deepEqual(commands[0], {
    command: "error",
    properties: { file: "sub/docker/Dockerfile", line: "3", endLine: "4", title: "high: Runs as root" },
    message: "Runs as root: probability 0.93, a finding from 0.50 on\nEnd with USER and a user without rights.",
  });
  assert.deepEqual(
    commands.map(({ command, properties }) => `${command} ${properties.file}`),
    ["error sub/docker/Dockerfile", "warning sub/b", "notice sub/c"],
  );
  assert.deepEqual(notes, []);
  assert.equal(github.write(scanResult([]), { root: "/", prefix: "" }).text, "");
});

test("no more than GitHub shows, and a notice that says how many are not", () => {
  const many = (["low", "medium", "critical"] as const).flatMap((severity) =>
    [...Array(15).keys()].map((i) => finding({ severity, path: `${severity}${i}` })),
  );
  const { commands, notes } = write(scanResult(many, [{ path: "x", message: "cannot be read", fatal: true }]));
  const counts = { error: 0, warning: 0, notice: 0 };
  for (const { command } of commands) counts[command as "error"]++;
  assert.deepEqual(counts, { error: 10, warning: 10, notice: 10 });
  assert.deepEqual(commands[0]!.properties, { file: "x", title: "not scanned" });
  // 46 there are, 29 and the notice are shown.
  assert.match(commands.at(-1)!.message, /; 17 more are left out here$/);
  assert.match(notes[0]!, /^github: .*17 more are left out/);
});

test("hostile text neither ends a command nor begins one", () => {
  for (const text of hostileTexts) {
    const only = hostileResult.findings
      .filter(({ path }) => path === text)
      .map((one) => ({ ...one, suppressed: undefined }));
    const { commands } = write({ ...hostileResult, findings: only, problems: [] });
    assert.equal(commands.length, 1, text);
    assert.equal(commands[0]!.command, "error");
    assert.equal(commands[0]!.properties.file, oneLine(text));
  }
});
