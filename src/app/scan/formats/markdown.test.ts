import assert from "node:assert/strict";
import { test } from "node:test";
import { finding, hostileResult, scanResult } from "../scan-result.cases.ts";
import { markdown } from "./markdown.ts";

const place = { root: "/", prefix: "" };

test("a page says how many, where, how sure, and what to do", () => {
  const suppressed = { by: "inline", reason: "" } as const;
  const result = scanResult(
    [finding(), finding({ severity: "low", label: "unpinned base", path: "a|b" }), finding({ suppressed })],
    [{ path: "x", message: "is no text", fatal: false }],
  );
  assert.equal(
    markdown.write(result, place).text,
    `### Fettle: 2 findings

1 high · 1 low · 1 suppressed · 11 files scanned by \`runs/risks\` · 1 unchanged

**1 problem**

- \`x\`: is no text

| severity | where | what | probability |
| --- | --- | --- | ---: |
| high | \`docker/Dockerfile:3-4\` | Runs as root | 0.93 |
| low | \`a\\|b:3-4\` | Base image is not pinned | 0.93 |

- **Runs as root**: End with USER and a user without rights.
`,
  );
  assert.match(markdown.write(scanResult([]), place).text, /^### Fettle: nothing found\n/);
});

test("a page stays within what a comment may hold, with the gravest findings", () => {
  const many = [...Array(5000).keys()].map((i) =>
    finding({ path: `f${i}`, severity: i === 4999 ? "critical" : "low" }),
  );
  const { text, notes } = markdown.write(scanResult(many), place);
  assert.ok(text.length <= 60_000, `${text.length}`);
  assert.match(text, /\| critical \| `f4999:3-4` \|/);
  const rows = text.match(/^\| (?:low|critical) \|/gm)!.length;
  assert.equal(notes[0], `markdown: ${5000 - rows} more findings left out, the least grave ones`);
});

test("hostile text makes no tag, link, mention, row or line of its own", () => {
  const open = hostileResult.findings.map((one) => ({ ...one, suppressed: undefined }));
  const { text } = markdown.write({ ...hostileResult, findings: open }, place);
  const rows = text.split("\n").filter((line) => line.startsWith("| high |"));
  assert.equal(rows.length, open.length);
  for (const row of rows) assert.equal(row.replace(/\\./g, "").match(/\|/g)!.length, 5, row);
  const outside = text.replace(/\\./g, "").replace(/(`+)(?!`)[^\n]*?[^`]\1(?!`)/g, "");
  assert.doesNotMatch(outside, /<[a-z!]|@|\]\(|https?:/i);
});
