/** Python with the other side's packages: `FETTLE_INTEROP_PYTHON`, otherwise `python3`. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { packageRoot } from "../../../src/base/package-root.ts";
import { NotRun } from "./comparison.ts";

const python = process.env.FETTLE_INTEROP_PYTHON || "python3";

/** @throws NotRun where a module cannot be imported */
export function expectPython(modules: readonly string[]): void {
  const { status } = spawnSync(python, ["-c", `import ${modules.join(", ")}`], { stdio: "ignore" });
  if (status === 0) return;
  throw new NotRun(
    `${python} cannot import ${modules.join(", ")}`,
    `pip install ${modules.join(" ")}, and FETTLE_INTEROP_PYTHON=/path/to/python`,
  );
}

/** Runs a script of scripts/interop with JSON on standard input, and reads JSON from its last line. */
export function runPython<T>(script: string, input: object): T {
  const path = join(packageRoot, "scripts/interop/lib", script);
  const { status, stdout, stderr } = spawnSync(python, [path], {
    input: JSON.stringify(input),
    encoding: "utf8",
    maxBuffer: 2 ** 30,
    env: { ...process.env, HF_HUB_OFFLINE: "1", TRANSFORMERS_VERBOSITY: "error" },
  });
  if (status !== 0) throw new Error(`${script} failed: ${stderr.trim().split("\n").slice(-3).join(" ")}`);
  return JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as T;
}
