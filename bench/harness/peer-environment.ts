/** The peer's Python environment: made once, in a scratch folder outside the project. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";

export type Peer = keyof typeof peers;

/** Versions are exact, so that a ratio can be had again. */
const peers = {
  training: {
    packages: ["torch==2.13.0", "transformers==5.17.0", "peft==0.21.0"],
    imports: "import torch, transformers, peft",
    folder: "fettle-bench-peer",
  },
  data: {
    packages: ["datasets==5.2.0", "tokenizers==0.23.3", "jinja2==3.1.6"],
    imports: "import datasets, tokenizers, jinja2",
    folder: "fettle-bench-data-peer",
  },
} as const;

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
export async function findPeer(options: PeerOptions, peer: Peer = "training"): Promise<string | undefined> {
  const { print } = options;
  const { packages, imports, folder: ownFolder } = peers[peer];
  if (options.python !== undefined) {
    if (hasImports(options.python, imports)) return options.python;
    throw new UserError({
      code: "bench/no-peer",
      message: `${options.python} cannot ${imports}`,
      fix: `${options.python} -m pip install ${packages.join(" ")}`,
    });
  }
  const folder = options.folder ?? join(tmpdir(), ownFolder);
  const python = join(folder, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  if (existsSync(python) && hasImports(python, imports)) return python;
  if (spawnSync("python3", ["--version"]).status !== 0) {
    print("There is no python3 here, so Fettle is measured alone.");
    return undefined;
  }
  print(`Installing ${packages.join(", ")} into ${folder}; the first time takes minutes.`);
  const made =
    (await succeeds("python3", ["-m", "venv", folder])) &&
    (await succeeds(python, ["-m", "pip", "install", "--quiet", ...packages]));
  if (made && hasImports(python, imports)) return python;
  print("The peer could not be installed, so Fettle is measured alone.");
  return undefined;
}

function hasImports(python: string, imports: string): boolean {
  return spawnSync(python, ["-c", imports]).status === 0;
}

async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "inherit"] });
  const [code] = (await once(child, "close")) as [number | null];
  return code === 0;
}
