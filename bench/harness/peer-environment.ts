/** The peer's Python environment: made once, in a scratch folder outside the project. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";

/** Exact, so that a ratio can be had again. */
export const peerPackages: readonly string[] = ["torch==2.13.0", "transformers==5.17.0", "peft==0.21.0"];

const importsThem = "import torch, transformers, peft";

export interface PeerOptions {
  /** A Python that has the packages already. */
  readonly python?: string | undefined;
  /** Folder of the environment; default: a scratch folder that later runs find again. */
  readonly folder?: string | undefined;
  readonly print: (line: string) => void;
}

/**
 * @returns path of a Python that has the peer's packages, or undefined, having said why there is none
 * @throws UserError when the Python asked for does not have them.
 */
export async function findPeer(options: PeerOptions): Promise<string | undefined> {
  const { print } = options;
  if (options.python !== undefined) {
    if (hasPackages(options.python)) return options.python;
    throw new UserError({
      code: "bench/no-peer",
      message: `${options.python} cannot ${importsThem}`,
      fix: `${options.python} -m pip install ${peerPackages.join(" ")}`,
    });
  }
  const folder = options.folder ?? join(tmpdir(), "fettle-bench-peer");
  const python = join(folder, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  if (existsSync(python) && hasPackages(python)) return python;
  if (spawnSync("python3", ["--version"]).status !== 0) {
    print("There is no python3 here, so Fettle is measured alone.");
    return undefined;
  }
  print(`Installing ${peerPackages.join(", ")} into ${folder}; the first time takes minutes.`);
  const made =
    (await succeeds("python3", ["-m", "venv", folder])) &&
    (await succeeds(python, ["-m", "pip", "install", "--quiet", ...peerPackages]));
  if (made && hasPackages(python)) return python;
  print("The peer could not be installed, so Fettle is measured alone.");
  return undefined;
}

function hasPackages(python: string): boolean {
  return spawnSync(python, ["-c", importsThem]).status === 0;
}

async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "inherit"] });
  const [code] = (await once(child, "close")) as [number | null];
  return code === 0;
}
