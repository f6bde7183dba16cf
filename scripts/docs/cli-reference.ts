/** docs/cli.md: what `fettle COMMAND --help` prints, for every command. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { commands } from "../../src/app/cli/commands.ts";
import { allCommands } from "../../src/app/cli/entry.ts";
import { packageRoot } from "../../src/base/package-root.ts";

export function cliReferenceText(): string {
  return `${[
    "# Commands",
    "<!-- Written by `npm run docs` from the commands' own help. -->",
    help([]),
    ...allCommands(commands).flatMap(({ path }) => [`## fettle ${path.join(" ")}`, help(path)]),
  ].join("\n\n")}\n`;
}

function help(command: readonly string[]): string {
  const main = join(packageRoot, "dist/src/app/cli/main.js");
  const text = execFileSync(process.execPath, [main, ...command, "--help"], { encoding: "utf8" });
  return `\`\`\`text\n${text.trimEnd()}\n\`\`\``;
}
