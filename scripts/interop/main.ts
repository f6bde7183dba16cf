/**
 * `npm run interop [-- SUBJECT …]`: what Fettle writes, loaded by the programs that it is written for, and the other way
 * round. Every file of this folder is a subject with a function `compare`. Prints a table and exits with 1 on a miss; a
 * subject whose other side is not here is shown as not run, with how to get it.
 */
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import Table from "cli-table3";
import { messageOf, UserError } from "../../src/base/errors.ts";
import { type Comparison, NotRun } from "./lib/comparison.ts";

interface Subject {
  readonly compare: () => Promise<readonly Comparison[]>;
}

const folder = dirname(fileURLToPath(import.meta.url));
const names = readdirSync(folder)
  .filter((name) => /^[\w-]+\.js$/.test(name) && name !== "main.js")
  .map((name) => name.slice(0, -".js".length))
  .sort();
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`there is no subject ${unknown.join(", ")}; there are: ${names.join(", ")}`);
  process.exit(2);
}

const table = new Table({
  head: ["subject", "what", "worst difference", "verdict"],
  colWidths: [16, 60, 56, 9],
  wordWrap: true,
});
let misses = 0;
for (const name of wanted.length > 0 ? wanted : names) {
  console.error(`${name} …`);
  try {
    const { compare }: Subject = await import(pathToFileURL(join(folder, `${name}.js`)).href);
    for (const { what, result, ok } of await compare()) {
      if (!ok) misses++;
      table.push([name, what, result, ok ? "ok" : "MISS"]);
    }
  } catch (error) {
    if (error instanceof NotRun) {
      table.push([name, error.message, error.install, "not run"]);
    } else {
      misses++;
      table.push([name, error instanceof UserError ? error.describe() : messageOf(error), "", "failed"]);
    }
  }
}
console.log(table.toString());
console.log(misses === 0 ? "everything compared agrees" : `${misses} missed`);
process.exitCode = misses === 0 ? 0 : 1;
