/** llama.cpp by way of node-llama-cpp: installed into a folder of the system's temporary files, run in a process of its own. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { NotRun } from "./comparison.ts";
import { type SequenceLogits, splitLogits } from "./logits.ts";

const VERSION = "3.22.1";
const root = process.env.FETTLE_INTEROP_LLAMA_CPP || join(tmpdir(), `fettle-interop-node-llama-cpp-${VERSION}`);

/** What `llama-cpp-run.js` is asked of a model. */
export interface LlamaCppTask {
  /** GGUF file. */
  readonly model: string;
  readonly sequences: readonly (readonly number[])[];
  readonly texts: readonly string[];
}

/** The same as it is sent to the process. */
export interface LlamaCppTasks {
  /** node-llama-cpp's main file. */
  readonly entry: string;
  /** Each with the file for its logits. */
  readonly tasks: readonly (LlamaCppTask & { readonly output: string })[];
}

export interface LlamaCppAnswer {
  readonly shapes: readonly (readonly [number, number])[];
  /** Of the texts. */
  readonly tokens: readonly (readonly number[])[];
}

/** Name of the package with the binaries for this machine. */
function binaries(): string {
  const { platform, arch } = process;
  const system = { linux: "linux", darwin: "mac", win32: "win" }[platform as string];
  return `@node-llama-cpp/${system}-${arch}${platform === "darwin" && arch === "arm64" ? "-metal" : ""}`;
}

/** Folder of llama.cpp's shared libraries. @throws NotRun where they cannot be installed */
export function llamaCppLibraries(): string {
  install();
  return join(root, "node_modules", binaries(), "bins", binaries().split("/")[1]!);
}

/**
 * llama.cpp's logits of token sequences, with keys and values in f32, and its tokens of texts: task by task, in one process.
 * @throws NotRun where it cannot be installed
 */
export function runLlamaCpp(
  tasks: readonly LlamaCppTask[],
  scratch: string,
): { logits: SequenceLogits[]; tokens: LlamaCppAnswer["tokens"] }[] {
  install();
  const withFiles = tasks.map((task, i) => ({ ...task, output: join(scratch, `llama-cpp-logits-${i}.bin`) }));
  const input: LlamaCppTasks = { entry: join(root, "node_modules/node-llama-cpp/dist/index.js"), tasks: withFiles };
  const script = join(dirname(fileURLToPath(import.meta.url)), "llama-cpp-run.js");
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script], {
    input: JSON.stringify(input),
    encoding: "utf8",
    maxBuffer: 2 ** 30,
  });
  if (status !== 0) {
    const said = `${stdout}\n${stderr}`.trim().split("\n").slice(-6).join(" ");
    throw new Error(`llama.cpp failed (${signal ?? status}): ${said}`);
  }
  const answers = JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as LlamaCppAnswer[];
  return answers.map(({ shapes, tokens }, i) => ({ logits: splitLogits(withFiles[i]!.output, shapes), tokens }));
}

function install(): void {
  const packages = [`node-llama-cpp@${VERSION}`, `${binaries()}@${VERSION}`];
  const present = [join(root, "node_modules/node-llama-cpp"), join(root, "node_modules", binaries())];
  if (present.every((folder) => existsSync(folder))) return;
  console.error(`  installing ${packages.join(" and ")} into ${root}`);
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, "package.json"), "{}\n");
  // Its optional packages are binaries for cards, of hundreds of megabytes; scripts would compile llama.cpp.
  const words = [
    "install",
    "--prefix",
    root,
    "--no-save",
    "--ignore-scripts",
    "--omit=optional",
    "--no-audit",
    "--no-fund",
  ];
  const { status } = spawnSync("npm", [...words, ...packages], { stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0)
    throw new NotRun("node-llama-cpp cannot be installed", `npm ${words.join(" ")} ${packages.join(" ")}`);
}
