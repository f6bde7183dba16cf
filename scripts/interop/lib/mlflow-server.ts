/** A real MLflow server, of the Python that `FETTLE_INTEROP_PYTHON` names, and what it has of a run. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";

const WAIT_SECONDS = 90;

export class MlflowServer implements AsyncDisposable {
  readonly address: string;
  readonly #process: ChildProcess;

  private constructor(address: string, process: ChildProcess) {
    this.address = address;
    this.#process = process;
  }

  /** @param folder for its database */
  static async start(folder: string): Promise<MlflowServer> {
    const port = await freePort();
    const python = process.env.FETTLE_INTEROP_PYTHON || "python3";
    const store = ["--backend-store-uri", `sqlite:///${join(folder, "mlflow.db")}`];
    const words = ["-m", "mlflow", "server", ...store, "--port", String(port), "--workers", "1"];
    const server = new MlflowServer(
      `http://127.0.0.1:${port}`,
      spawn(python, words, { cwd: folder, stdio: "ignore", detached: true }),
    );
    for (let second = 0; second < WAIT_SECONDS; second++) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const up = await fetch(`${server.address}/health`).catch(() => undefined);
      if (up?.ok) return server;
    }
    await server[Symbol.asyncDispose]();
    throw new Error(`mlflow server does not answer after ${WAIT_SECONDS} seconds`);
  }

  /** Its workers too, which are processes of its group. */
  async [Symbol.asyncDispose](): Promise<void> {
    const over = once(this.#process, "exit");
    process.kill(-this.#process.pid!);
    await over;
  }
}

export interface MlflowRun {
  readonly status: string;
  /** In the experiment. */
  readonly runs: number;
  readonly params: Readonly<Record<string, string>>;
  readonly scalars: Readonly<Record<string, readonly (readonly [step: number, value: number])[]>>;
}

/** @param track the run's track.json */
export async function readMlflow(
  address: string,
  { mlflow }: { readonly mlflow: { readonly kept: { readonly run: string; readonly experiment: string } } },
): Promise<MlflowRun> {
  const { run: id, experiment } = mlflow.kept;
  const get = (path: string): Promise<Answer> => answerOf(`${address}/api/2.0/mlflow/${path}`);
  const { info, data } = (await get(`runs/get?run_id=${id}`)).run!;
  const scalars: Record<string, [number, number][]> = {};
  for (const { key } of data.metrics) {
    const { metrics } = await get(`metrics/get-history?run_id=${id}&metric_key=${encodeURIComponent(key)}`);
    scalars[key] = metrics!.map(({ step, value }): [number, number] => [step, value]).sort(([a], [b]) => a - b);
  }
  const { runs } = await answerOf(`${address}/api/2.0/mlflow/runs/search`, { experiment_ids: [experiment] });
  const params = Object.fromEntries(data.params.map(({ key, value }) => [key, value]));
  return { status: info.status, runs: runs!.length, params, scalars };
}

interface Answer {
  readonly run?: {
    readonly info: { readonly status: string };
    readonly data: {
      readonly metrics: readonly { readonly key: string }[];
      readonly params: readonly { readonly key: string; readonly value: string }[];
    };
  };
  readonly runs?: readonly object[];
  readonly metrics?: readonly { readonly step: number; readonly value: number }[];
}

async function answerOf(url: string, body?: object): Promise<Answer> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, body && { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Answer;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { readonly port: number };
  server.close();
  return port;
}
