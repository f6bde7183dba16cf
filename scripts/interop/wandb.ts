/**
 * The offline folder of a run that was stopped and gone on with, read by W&B's own DataStore, against its metrics.jsonl.
 *
 * `FETTLE_INTEROP_PYTHON`: a Python that has a wandb whose reader is in Python, such as 0.19.11; default python3.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Comparison, NotRun } from "./lib/comparison.ts";
import { runPython } from "./lib/python.ts";
import { scalarsOf, stoppedAndResumed } from "./lib/tracked-run.ts";

interface Found {
  readonly run: readonly [id: string, project: string, tags: readonly string[]];
  readonly config: Readonly<Record<string, unknown>>;
  readonly history: readonly (readonly [step: number, values: Readonly<Record<string, number>>])[];
  readonly stats: readonly Readonly<Record<string, number>>[];
  readonly summary: Readonly<Record<string, unknown>>;
  readonly exit: number;
}

export async function compare(): Promise<readonly Comparison[]> {
  const python = process.env.FETTLE_INTEROP_PYTHON || "python3";
  if (spawnSync(python, ["-c", "import wandb.sdk.internal.datastore"], { stdio: "ignore" }).status !== 0) {
    const install = "pip install wandb==0.19.11, and FETTLE_INTEROP_PYTHON=/path/to/python";
    throw new NotRun(`${python} has no wandb with a reader in Python`, install);
  }
  const scratch = mkdtempSync(join(tmpdir(), "fettle-interop-wandb-"));
  try {
    const output = join(scratch, "run");
    await stoppedAndResumed(output, { wandb: { project: "interop", tags: ["a", "b"] } });
    const [folder, ...more] = readdirSync(join(output, "wandb"));
    const { kept } = JSON.parse(readFileSync(join(output, "track.json"), "utf8")).wandb;
    const path = join(output, "wandb", folder!, `run-${kept.id}.wandb`);
    const found = runPython<Found>("read_wandb.py", { path });
    const wrong = differencesOf(found, join(output, "metrics.jsonl"), kept.id);
    if (more.length > 0) wrong.push("one folder");
    const result = wrong.length > 0 ? `differ: ${wrong.join(", ")}` : `${found.history.length} rows equal`;
    return [{ what: "W&B: the offline folder of a resumed run", result, ok: wrong.length === 0 }];
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function differencesOf(found: Found, metrics: string, id: string): string[] {
  const series: Record<string, [number, number][]> = {};
  for (const [step, values] of found.history) {
    for (const [name, value] of Object.entries(values)) series[name] = [...(series[name] ?? []), [step, value]];
  }
  const expected = Object.entries(scalarsOf(metrics)).filter(([name]) => !name.startsWith("system/"));
  const wrong = expected.filter(([name, rows]) => JSON.stringify(rows) !== JSON.stringify(series[name]));
  const facts: Readonly<Record<string, boolean>> = {
    run: JSON.stringify(found.run) === JSON.stringify([id, "interop", ["a", "b"]]),
    config: found.config["training.batch_size"] === 8,
    stats: found.stats.some((values) => values.cpu! > 0),
    summary: found.summary["fettle.status"] === "finished" && found.summary._step === series._step?.at(-1)?.[0],
    exit: found.exit === 0,
    "a row a step": new Set(found.history.map(([step]) => step)).size === found.history.length,
  };
  return [...wrong.map(([name]) => name), ...Object.keys(facts).filter((name) => !facts[name])];
}
