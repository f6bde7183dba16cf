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

/** What `llama-cpp-run.js` does with a model. */
export interface LlamaCppTask {
  readonly entry: string;
  readonly model: string;
  readonly sequences: readonly (readonly number[])[];
  readonly texts: readonly string[];
  /** File for the logits. */
  readonly output: string;
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
 * llama.cpp's logits of token sequences, in f32 all through, and its tokens of texts.
 * @throws NotRun where it cannot be installed
 */
export function runLlamaCpp(
  model: string,
  sequences: LlamaCppTask["sequences"],
  texts: readonly string[],
  scratch: string,
): { logits: SequenceLogits[]; tokens: LlamaCppAnswer["tokens"] } {
  install();
  const output = join(scratch, "llama-cpp-logits.bin");
  const entry = join(root, "node_modules/node-llama-cpp/dist/index.js");
  const task: LlamaCppTask = { entry, model, sequences, texts, output };
  const script = join(dirname(fileURLToPath(import.meta.url)), "llama-cpp-run.js");
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script], {
    input: JSON.stringify(task),
    encoding: "utf8",
    maxBuffer: 2 ** 30,
  });
  if (status !== 0) {
    throw new Error(
      `llama.cpp failed (${signal ?? status}): ${`${stdout}\n${stderr}`.trim().split("\n").slice(-6).join(" ")}`,
    );
  }
  const answer = JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as LlamaCppAnswer;
  return { logits: splitLogits(output, answer.shapes), tokens: answer.tokens };
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
