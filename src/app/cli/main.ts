#!/usr/bin/env node
import { runCli } from "./run-cli.ts";
import { Terminal } from "./terminal.ts";

const words = process.argv.slice(2);
const terminal = new Terminal({ json: words.includes("--json") });
process.exitCode = await runCli(words, terminal);
