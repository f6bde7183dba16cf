/**
 * A run that was stopped and gone on with, as the trackers' own readers see it, against its metrics.jsonl.
 *
 * `FETTLE_INTEROP_PYTHON`: a Python that has tensorboard and mlflow; default python3.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Comparison } from "./lib/comparison.ts";
import { MlflowServer, readMlflow } from "./lib/mlflow-server.ts";
import { expectPython, runPython } from "./lib/python.ts";
import { type Scalars, scalarsOf, stoppedAndResumed } from "./lib/tracked-run.ts";

export async function compare(): Promise<readonly Comparison[]> {
  expectPython(["tensorboard", "mlflow"]);
  const scratch = mkdtempSync(join(tmpdir(), "fettle-interop-trackers-"));
  await using server = await MlflowServer.start(scratch);
  try {
    const output = join(scratch, "run");
    await stoppedAndResumed(output, {
      tensorboard: {},
      mlflow: { uri: server.address, experiment: "interop" },
    });
    const expected = scalarsOf(join(output, "metrics.jsonl"));
    const mlflow = await readMlflow(server.address, JSON.parse(readFileSync(join(output, "track.json"), "utf8")));
    const sameRun = mlflow.runs === 1 && mlflow.status === "FINISHED" && mlflow.params["training.batch_size"] === "8";
    return [
      tensorBoard(output, expected),
      verdict("MLflow: a resumed run's metrics and parameters", settled(expected), settled(mlflow.scalars), [
        ...(sameRun ? [] : ["the run"]),
        ...(mlflow.scalars["system/cpu"] ? [] : ["system/cpu"]),
      ]),
    ];
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function tensorBoard(output: string, expected: Scalars): Comparison {
  const folder = join(output, "tensorboard");
  const { scalars, texts } = runPython<{
    readonly scalars: Scalars;
    readonly texts: Readonly<Record<string, string>>;
  }>("read_events.py", { folder });
  const missing = ["config", "summary"].filter((tag) => !texts[tag]?.startsWith("| option | value |"));
  return verdict("TensorBoard: a resumed run's scalars and texts", expected, scalars, missing);
}

/** What is the same each time a step is trained; rates and times are not, and MLflow keeps those told first. */
function settled(scalars: Scalars): Scalars {
  const differs = /^system|_per_second$|^train\/seconds$/;
  return Object.fromEntries(Object.entries(scalars).filter(([tag]) => !differs.test(tag)));
}

/** Equal as f32, which is what event files hold. */
function verdict(what: string, expected: Scalars, given: Scalars, missing: readonly string[]): Comparison {
  const tags = [...new Set([...Object.keys(expected), ...Object.keys(given)])];
  const rounded = (scalars: Scalars, tag: string): string =>
    JSON.stringify((scalars[tag] ?? []).map(([step, value]) => [step, Math.fround(value)]));
  const wrong = [...missing, ...tags.filter((tag) => rounded(expected, tag) !== rounded(given, tag))];
  const result = wrong.length > 0 ? `differ: ${wrong.join(", ")}` : `${tags.length} series equal`;
  return { what, result, ok: wrong.length === 0 };
}
