import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../../base/errors.ts";
import { packageRoot } from "../../../base/package-root.ts";
import { addExamples, type CommandModule } from "../command.ts";

/** `fettle bench`: a process of its own, so that its memory can be measured. */
export const bench: CommandModule = {
  define(command) {
    command.argument("[names...]", "benchmarks to run; default: all");
    addExamples(command, [["fettle bench", "runs every benchmark on this machine"]]);
  },

  async run(command, terminal) {
    const main = join(packageRoot, "dist/bench/main.js");
    if (!existsSync(main)) {
      throw new UserError({
        code: "bench/not-installed",
        message: "the benchmarks are not part of the installed package",
        where: main,
        fix: "clone the repository, and run `npm ci` and `npm run bench` there",
      });
    }
    // Its own text is for people: under --json it goes to stderr.
    const child = spawn(process.execPath, [main, ...command.args], {
      stdio: ["inherit", terminal.json ? 2 : "inherit", "inherit"],
    });
    const code = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (exitCode) => resolve(exitCode ?? 2));
    });
    if (code > 1) throw new UserError({ code: "bench/failed", message: `the benchmarks ended with exit code ${code}` });
    return { json: { kind: "bench", names: command.args, exitCode: code }, passed: code === 0 };
  },
};
