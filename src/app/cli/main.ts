#!/usr/bin/env node
import { failureText } from "./failure.ts";
import { runCli } from "./run-cli.ts";
import { Terminal } from "./terminal.ts";

const words = process.argv.slice(2);
const terminal = new Terminal({ json: words.includes("--json") });
process.on("uncaughtException", (error) => {
  terminal.log(failureText(error));
  process.exit(2);
});
process.exitCode = await runCli(words, terminal);
