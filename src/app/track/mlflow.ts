/** MLflow's REST API 2.0: https://mlflow.org/docs/latest/rest-api.html */
import { createHash } from "node:crypto";
import type { MlflowOptions } from "../../base/recipe/recipe.ts";
import { isJsonObject, type JsonObject } from "../../model/files/json-file.ts";
import { HttpClient, HttpRefusal } from "./http-client.ts";
import type { TrackerSecrets } from "./track-message.ts";
import {
  type Facts,
  type Opened,
  type Outcome,
  type Point,
  Refusal,
  type TrackedRun,
  type Tracker,
} from "./tracker.ts";

/** Limits of one log-batch request. */
const MOST_METRICS = 1000;
const MOST_PARAMS = 100;
const LONGEST_VALUE = 6000;
const LONGEST_KEY = 250;

const statuses: Readonly<Record<Outcome["status"], string>> = {
  finished: "FINISHED",
  "stopped early": "FINISHED",
  interrupted: "KILLED",
  failed: "FAILED",
};

export class Mlflow implements Tracker {
  readonly title = "MLflow";
  readonly takesBack = false;
  readonly #options: MlflowOptions;
  readonly #http: HttpClient;
  #experiment: string | undefined;
  #id: string | undefined;

  constructor(options: MlflowOptions, { mlflow }: TrackerSecrets) {
    this.#options = options;
    this.#http = new HttpClient({
      root: options.uri.replace(/\/+$/, ""),
      headers: authorization(mlflow),
      login: "set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
    });
  }

  async open(run: TrackedRun, kept: JsonObject | undefined): Promise<Opened> {
    if (kept) {
      this.#experiment = String(kept.experiment);
      this.#id = String(kept.run);
      await this.#goOn(this.#id);
    } else {
      this.#experiment ??= await this.#findExperiment();
      this.#id ??= await this.#create(this.#experiment, run);
      await this.#log("params", paramsOf(run.config));
    }
    const { uri } = this.#options;
    const where = `${uri.replace(/\/+$/, "")}/#/experiments/${this.#experiment}/runs/${this.#id}`;
    return { kept: { experiment: this.#experiment, run: this.#id }, where };
  }

  async write(points: readonly Point[]): Promise<void> {
    const metrics = points.flatMap(({ step, time, values }) =>
      Object.entries(values).map(([name, value]) => ({
        key: keyOf(name),
        value: Number.isFinite(value) ? value : String(value),
        ...{ timestamp: time, step },
      })),
    );
    await this.#log("metrics", metrics);
  }

  async close({ status, facts }: Outcome): Promise<void> {
    const tags = Object.entries({ status, ...facts }).map(([name, value]) => ({
      key: keyOf(`fettle.${name}`),
      value: shortened(String(value)),
    }));
    await this.#log("tags", tags);
    const end = { run_id: this.#id!, status: statuses[status], end_time: Date.now() };
    await this.#request("runs/update", end);
  }

  async #findExperiment(): Promise<string> {
    const { experiment: name } = this.#options;
    const find = async (): Promise<string> => {
      const path = `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`;
      return idOf(await this.#request(path), "experiment", "experiment_id");
    };
    try {
      return await find();
    } catch (error) {
      if (!(error instanceof HttpRefusal) || error.status !== 404) throw error;
    }
    try {
      return String((await this.#request("experiments/create", { name })).experiment_id);
    } catch (error) {
      // Another run may have made it in the meantime.
      if (error instanceof HttpRefusal && error.status === 400) return find();
      throw error;
    }
  }

  async #create(experiment: string, { name, time }: TrackedRun): Promise<string> {
    const tags = [{ key: "mlflow.source.name", value: "fettle" }];
    const body = { experiment_id: experiment, run_name: name, start_time: time, tags };
    const { run } = await this.#request("runs/create", body);
    return idOf(isJsonObject(run) ? run : {}, "info", "run_id");
  }

  async #goOn(run: string): Promise<void> {
    try {
      await this.#request("runs/update", { run_id: run, status: "RUNNING" });
    } catch (error) {
      if (!(error instanceof HttpRefusal) || error.status !== 404) throw error;
      throw new Refusal(`it has no run ${run} any more; without track.json in the run folder, a new one is begun`);
    }
  }

  async #log(kind: "metrics" | "params" | "tags", items: readonly JsonObject[]): Promise<void> {
    const most = kind === "metrics" ? MOST_METRICS : MOST_PARAMS;
    for (let i = 0; i < items.length; i += most) {
      await this.#request("runs/log-batch", { run_id: this.#id!, [kind]: items.slice(i, i + most) });
    }
  }

  #request(path: string, body?: JsonObject): Promise<JsonObject> {
    return this.#http.request(`/api/2.0/mlflow/${path}`, body);
  }
}

function authorization({ token, username, password }: TrackerSecrets["mlflow"]): Record<string, string> {
  if (token) return { authorization: `Bearer ${token}` };
  if (!username) return {};
  return { authorization: `Basic ${Buffer.from(`${username}:${password ?? ""}`).toString("base64")}` };
}

function paramsOf(config: Facts): JsonObject[] {
  return Object.entries(config).map(([name, value]) => ({ key: keyOf(name), value: shortened(String(value)) }));
}

/** Names may have letters, digits and a few signs; what had others is told apart by a hash. */
function keyOf(name: string): string {
  const allowed = name.replace(/[^\w\-. :/]/g, "_").replace(/(^|\/)(?=\/|$)|(^|\/)\.+(?=\/|$)/g, "$1$2_");
  if (allowed === name && name.length <= LONGEST_KEY) return name;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 6);
  return `${allowed.slice(0, LONGEST_KEY - 7)}-${hash}`;
}

function shortened(value: string): string {
  return value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE - 1)}…` : value;
}

function idOf(answer: JsonObject, part: string, key: string): string {
  const inner = answer[part];
  const id = isJsonObject(inner) ? inner[key] : undefined;
  if (typeof id === "string") return id;
  throw new Refusal(`it answers without ${part}.${key}: is this an MLflow server?`);
}
