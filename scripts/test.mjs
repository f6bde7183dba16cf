/**
 * Runs the built tests: every `*.test.js` under dist/, or those whose path contains one of the arguments. Two files run
 * at a time, each in its own process; more would only share the same cores, since most of them start two threads.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

const wanted = process.argv.slice(2);
const files = readdirSync("dist", { recursive: true })
  .map((path) => join("dist", path))
  .filter((path) => path.endsWith(".test.js") && (wanted.length === 0 || wanted.some((part) => path.includes(part))))
  .sort();

if (files.length === 0) {
  console.error(
    `no test under dist/ has ${wanted.join(" or ") || ".test.js"} in its path; \`npm run build\` makes them`,
  );
  process.exit(1);
}

const options = ["--enable-source-maps", "--test-concurrency=2", "--test-timeout=300000", "--test-reporter=spec"];
const { status } = spawnSync(process.execPath, ["--test", ...options, ...files], { stdio: "inherit" });
process.exit(status ?? 1);
