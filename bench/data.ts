/**
 * `npm run bench -- data [ROWS]`: how fast a file of rows becomes packs, whether memory grows with the file, and how fast
 * Hugging Face datasets and tokenizers do the same work.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { UserError } from "../src/base/errors.ts";
import { packageRoot } from "../src/base/package-root.ts";
import { type DataAnswer, type DataJob, newsPrompt } from "./data/data-job.ts";
import { newsLines, writeNews } from "./data/news-rows.ts";
import { findPeer } from "./harness/peer-environment.ts";
import { modelFolder } from "./harness/scratch.ts";

interface DataOptions {
  readonly file?: string;
  readonly model: string;
  readonly threads: string;
  readonly python?: string;
  readonly peer: boolean;
  readonly peerRows: string;
  readonly json?: string;
}

export function dataCommand(): Command {
  return new Command("data")
    .description("reading, rendering, tokenising and packing a file, beside Hugging Face datasets + tokenizers")
    .argument("[rows]", "rows of the larger file; the smaller one has a tenth", "500000")
    .option(
      "--file <path>",
      "AG News' train.csv, or JSONL of {text, label}, repeated; default: the excerpt in examples/",
    )
    .option("--model <folder>", "of the tokenizer and chat template", modelFolder)
    .option("--threads <n>", "threads of each side", String(availableParallelism()))
    .option("--peer-rows <n>", "rows that the peer is given at most; its rate is the same for more", "100000")
    .option(
      "--python <path>",
      "a Python with datasets, tokenizers and jinja2; default: one is made in a scratch folder",
    )
    .option("--no-peer", "measure Fettle alone")
    .option("--json <file>", "write the figures there")
    .addHelpText("after", "\nFETTLE_BENCH_DATA_ENV names the folder of the peer's Python environment.")
    .action(async (rows: string, options: DataOptions) => {
      const folder = mkdtempSync(join(tmpdir(), "fettle-bench-data-"));
      try {
        await measure(folder, Number(rows), options);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
}

async function measure(folder: string, most: number, options: DataOptions): Promise<void> {
  const lines = await newsLines(options.file);
  const contest = (name: string, rows: number): Contest => {
    const file = join(folder, `${rows}.jsonl`);
    writeNews(file, lines, rows);
    const job = join(folder, `${name}-${rows}.json`);
    const { model, threads } = options;
    const own: DataJob & { cache: string } = { file, model, ...newsPrompt, threads: Number(threads), cache: folder };
    writeFileSync(job, JSON.stringify(own));
    return { name, job, bytes: statSync(file).size };
  };
  const program = join(packageRoot, "dist/bench/fettle/data.js");
  const sizes = [Math.ceil(most / 10), most];
  const peerRows = Math.min(Number(options.peerRows), most);
  const results = sizes.map((rows) => run(contest("Fettle", rows), process.execPath, program));
  const environment = { python: options.python, folder: process.env.FETTLE_BENCH_DATA_ENV, print: console.log };
  const python = options.peer ? await findPeer(environment, "data") : undefined;
  if (python !== undefined) {
    // The same rows for both, one after the other: other work on the machine slows both.
    const same = run(contest("Fettle", peerRows), process.execPath, program);
    const peer = run(contest("datasets + tokenizers", peerRows), python, join(packageRoot, "bench/peer/data.py"));
    if (same.tokens !== peer.tokens || same.targets !== peer.targets) {
      throw new UserError({
        code: "bench/other-tokens",
        message: `the two sides differ: ${same.tokens} tokens (${same.targets} learnt) and ${peer.tokens} (${peer.targets})`,
      });
    }
    const [time, cpu] = [peer.seconds / same.seconds, peer.cpuSeconds / same.cpuSeconds];
    console.log(`ratio of rows/s: ${time.toFixed(2)}; per second of a core: ${cpu.toFixed(2)}`);
    results.push(same, peer);
  }
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
}

interface Contest {
  readonly name: string;
  readonly job: string;
  readonly bytes: number;
}

function run({ name, job, bytes }: Contest, command: string, program: string): DataAnswer & { readonly name: string } {
  const { status, stdout, stderr } = spawnSync(command, [program, job], { encoding: "utf8", env: { ...process.env } });
  if (status !== 0)
    throw new UserError({ code: "bench/contestant-failed", message: `${name} failed`, where: stderr.trim() });
  const answer = JSON.parse(stdout) as DataAnswer;
  const { rows, tokens, seconds, cpuSeconds, stages, peakBytes } = answer;
  const parts = Object.entries(stages).map(([stage, time]) => `${stage} ${time.toFixed(1)}`);
  console.log(
    `${name}: ${rows} rows (${(bytes / 1e6).toFixed(0)} MB), ${(rows / seconds).toFixed(0)} rows/s ` +
      `(${(rows / cpuSeconds).toFixed(0)} per second of a core), ` +
      `${(tokens / seconds / 1e6).toFixed(2)} million tokens/s, peak ${(peakBytes / 2 ** 20).toFixed(0)} MiB; ` +
      `seconds: ${parts.join(", ")}`,
  );
  return { name, ...answer };
}
