/** The ten-minute start does what it says, block by block, and troubleshooting quotes what the code prints. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { promisify } from "node:util";
import { packageRoot } from "../../src/base/package-root.ts";
import { main, start } from "../helpers/cli.ts";

const run = promisify(execFile);

/** Fenced blocks in the order of the page. */
function blocks(page: string): { language: string; text: string }[] {
  const text = readFileSync(join(packageRoot, "docs", page), "utf8");
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, block]) => ({
    language: language!,
    text: block!,
  }));
}

describe("docs/start.md", () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "fettle-start-")));
  after(() => rmSync(folder, { recursive: true }));

  it("leads from the data to a model that answers over HTTP", async () => {
    symlinkSync(join(packageRoot, "models"), join(folder, "models"));
    mkdirSync(join(folder, "examples/ag-news"), { recursive: true });
    for (const [name, every] of [
      ["train", 2],
      ["test", 4],
    ] as const) {
      const rows = readFileSync(join(packageRoot, `examples/ag-news/${name}.jsonl`), "utf8").split("\n");
      writeFileSync(join(folder, `examples/ag-news/${name}.jsonl`), rows.filter((_, i) => i % every === 0).join("\n"));
    }
    const shell = `set -e; npx() { shift; ${process.execPath} ${main} "$@"; }\n`;
    const bash = (script: string) => run("bash", ["-c", shell + script], { cwd: folder });
    let curl = "";
    for (const { language, text } of blocks("start.md")) {
      if (language === "yaml") writeFileSync(join(folder, "news.yaml"), text);
      else if (text.startsWith("curl")) curl = text;
      else await bash(text.replace(/^(npm ci|npx fettle (doctor|serve).*)$/gm, ""));
    }
    assert.ok(existsSync(join(folder, "runs/news/report.html")));

    const server = start(["serve", "runs/news", "--port", "0"], { cwd: folder });
    try {
      const url = await new Promise<string>((resolve) => {
        let printed = "";
        for (const stream of [server.stdout!, server.stderr!]) {
          stream.on("data", (chunk) => {
            printed += chunk;
            const address = printed.match(/http:\/\/127\.0\.0\.1:\d+/);
            if (address !== null) resolve(address[0]);
          });
        }
        server.once("close", () => resolve(`nothing: ${printed}`));
      });
      const { stdout } = await bash(curl.replace("http://127.0.0.1:8000", url));
      assert.equal(JSON.parse(stdout).data[0].label, "Business");
    } finally {
      server.kill("SIGTERM");
    }
  });
});

describe("docs/troubleshooting.md", () => {
  const source = readdirSync(join(packageRoot, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => readFileSync(join(packageRoot, "src", name), "utf8"))
    .join("\n");

  const messages = blocks("troubleshooting.md").flatMap(({ text }) => text.trimEnd().split("\n"));
  for (const message of messages) {
    it(message, () => {
      const parts = message.split("…").filter((part) => /\w/.test(part));
      for (const part of parts) assert.ok(source.includes(part), `nothing prints ${JSON.stringify(part)}`);
    });
  }
});
