/**
 * `npm run bench -- serve`: does a server give the right answers while it is asked more than it can do, does its memory stay
 * where it is, and how much of offline scoring's rate is left over HTTP? Exit code 1: a wrong answer, a leak, or too slow.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Command, Option } from "commander";
import { type LoadedModel, loadModel } from "../src/app/api/load-model.ts";
import { predict } from "../src/app/api/predict.ts";
import { median } from "./harness/statistics.ts";
import { ask, keepAlive } from "./serve/ask.ts";
import { prepareQuestions, type Question } from "./serve/questions.ts";
import { newsTexts, writeServedModel } from "./serve/served-model.ts";
import { ServerProcess } from "./serve/server-process.ts";

interface Options {
  readonly seconds: string;
  readonly connections: string;
  readonly rows: string;
  readonly shape: string;
  readonly device: "auto" | "cuda" | "cpu" | "reference";
  readonly threads?: string;
  readonly exact?: boolean;
  readonly json?: string;
}

/** Share of offline scoring's rate that a server must reach. */
const LEAST_SHARE = 0.8;
/** Growth of a server's memory in its second half that is no leak. */
const MOST_GROWTH = 0.1;
/** Of probabilities, where texts share passes: products are in bf16, whose rounding depends on a text's place. */
const TOLERANCE = 0.02;
const ROWS_PER_REQUEST = 64;
const REQUESTS_AT_ONCE = 4;
const ROUNDS = 3;

export function serveCommand(): Command {
  return new Command("serve")
    .description("a server under load: right answers, no leak, and its rate beside scoring without a server")
    .option("--seconds <n>", "of load", "120")
    .option("--connections <n>", "that ask at once", "32")
    .option("--rows <n>", "to label with and without a server", "2048")
    .option("--shape <name>", "nano, or a folder of bench/cuda/models with random weights", "nano")
    .addOption(new Option("--device <device>").choices(["auto", "cuda", "cpu", "reference"]).default("auto"))
    .option("--threads <n>", "CPU threads of the model")
    .option("--exact", "serve with --exact, where labels are to be those of offline scoring to the bit")
    .option("--json <file>", "write the figures there")
    .action(async (options: Options) => {
      const folder = mkdtempSync(join(tmpdir(), "fettle-bench-serve-"));
      try {
        const figures = await measure(folder, options);
        if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
        process.exitCode = figures.passed ? 0 : 1;
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
}

async function measure(folder: string, options: Options): Promise<{ readonly passed: boolean }> {
  const { model: path, recipe } = writeServedModel(folder, options.shape);
  const threads = options.threads === undefined ? undefined : Number(options.threads);
  const texts = await newsTexts(Number(options.rows));
  const model = await loadModel(path, { recipe, device: options.device, threads });
  const isCuda = model.device.name === "cuda";
  console.log(model.device.description);
  const tolerance = options.exact ? 0 : TOLERANCE;
  const questions = await prepareQuestions(model, basename(path), texts.slice(0, 64), tolerance);
  const words = [path, "--recipe", recipe, "--device", options.device, ...(options.exact ? ["--exact"] : [])];
  const server = await ServerProcess.start([...words, ...(threads ? ["--threads", String(threads)] : [])]);
  const rates = await compareRates(model, server, questions[0]!, texts);
  model[Symbol.dispose]();
  console.log(
    `labels without a server: ${rates.offline.toFixed(0)} rows/s; through one: ${rates.online.toFixed(0)} rows/s, ` +
      `${(100 * rates.share).toFixed(0)} % (target ${100 * LEAST_SHARE} %)`,
  );
  const load = await underLoad(server, questions, Number(options.seconds), Number(options.connections), !isCuda);
  const code = await server.stop();
  const passed = rates.share >= LEAST_SHARE && load.passed && code === 0;
  console.log(passed ? "passed" : "NOT passed");
  return { passed, ...{ rates, load, code } };
}

/** Rows a second without and with a server, taken in turn, and the middle one of their shares. */
async function compareRates(
  model: LoadedModel,
  server: ServerProcess,
  question: Question,
  texts: readonly string[],
): Promise<{ readonly offline: number; readonly online: number; readonly share: number }> {
  const offline: number[] = [];
  const online: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const start = performance.now();
    for await (const _ of predict(model, { texts }));
    const middle = performance.now();
    await labelAll(server, question, texts);
    const end = performance.now();
    // The first round compiles and measures.
    if (round === 0) continue;
    offline.push((1000 * texts.length) / (middle - start));
    online.push((1000 * texts.length) / (end - middle));
  }
  const share = median(online.map((rate, i) => rate / offline[i]!));
  return { offline: median(offline), online: median(online), share };
}

async function labelAll(server: ServerProcess, { path, body }: Question, texts: readonly string[]): Promise<void> {
  const agent = keepAlive(REQUESTS_AT_ONCE);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < texts.length) {
      const input = texts.slice(next, next + ROWS_PER_REQUEST);
      next += ROWS_PER_REQUEST;
      const { status, text } = await ask(`${server.url}${path}`, { ...body, input }, agent);
      if (status !== 200) throw new Error(text);
    }
  };
  await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, worker));
  agent.destroy();
}

interface Tally {
  readonly milliseconds: number[];
  failed: number;
  wrong: number;
}

async function underLoad(
  server: ServerProcess,
  questions: readonly Question[],
  seconds: number,
  connections: number,
  exact: boolean,
) {
  const agent = keepAlive(connections);
  const tallies = new Map<string, Tally>();
  const end = performance.now() + 1000 * seconds;
  let next = 0;
  let shown = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < end) {
      const { kind, path, body, wrong } = questions[next++ % questions.length]!;
      const tally = tallies.get(kind) ?? { milliseconds: [], failed: 0, wrong: 0 };
      tallies.set(kind, tally);
      const { status, text, milliseconds } = await ask(`${server.url}${path}`, body, agent);
      tally.milliseconds.push(milliseconds);
      const mistake = status === 200 ? wrong(text) : text;
      if (mistake === undefined) continue;
      if (status === 200) tally.wrong++;
      else tally.failed++;
      if (shown++ < 5) console.log(`  ${kind}: ${mistake}`);
    }
  };
  const memory = watchMemory(server, end);
  await Promise.all(Array.from({ length: connections }, worker));
  agent.destroy();
  const samples = await memory;
  const live = await server.metric('fettle_device_memory_bytes{kind="live"}');
  const kinds = [...tallies].map(([kind, tally]) => ({ kind, ...summary(tally, seconds) }));
  for (const { kind, perSecond, p50, p99, failed, wrong } of kinds) {
    console.log(
      `  ${kind}: ${perSecond.toFixed(1)}/s, p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, ${failed} failed, ${wrong} wrong`,
    );
  }
  const early = samples[Math.floor(samples.length / 2)]!;
  const growth = samples.at(-1)!.resident / early.resident - 1;
  const leaked = live - samples[0]!.live;
  const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  console.log(
    `  memory of the process: ${mib(early.resident)} half-way, ${mib(samples.at(-1)!.resident)} at the end; of the device: ${mib(samples[0]!.live)} before, ${mib(live)} after`,
  );
  // On a card the last bits of a product, and so a close choice between two tokens, depend on what shares its pass.
  const mistakes = kinds
    .filter(({ kind }) => exact || !kind.startsWith("chat"))
    .reduce((sum, { wrong }) => sum + wrong, 0);
  const failed = kinds.reduce((sum, own) => sum + own.failed, 0);
  return { kinds, growth, leaked, passed: mistakes === 0 && failed === 0 && growth <= MOST_GROWTH && leaked <= 0 };
}

interface MemorySample {
  readonly resident: number;
  readonly live: number;
}

async function watchMemory(server: ServerProcess, end: number): Promise<MemorySample[]> {
  const samples: MemorySample[] = [];
  do {
    samples.push({
      resident: await server.metric("process_resident_memory_bytes"),
      live: await server.metric('fettle_device_memory_bytes{kind="live"}'),
    });
    await new Promise((resolve) => setTimeout(resolve, 1000));
  } while (performance.now() < end);
  return samples;
}

function summary({ milliseconds, failed, wrong }: Tally, seconds: number) {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return { asked: sorted.length, perSecond: sorted.length / seconds, p50: at(0.5), p99: at(0.99), failed, wrong };
}
