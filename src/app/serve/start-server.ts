/** A server from its options to its end. */
import { realpathSync } from "node:fs";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { fileError } from "../../model/files/file-error.ts";
import { accessLog, type LogForm } from "./access-log.ts";
import { endpoints } from "./endpoints.ts";
import { Gate } from "./gate.ts";
import { HttpServer } from "./http/http-server.ts";
import { Keys } from "./http/keys.ts";
import { defaultLimits, type Limits } from "./http/limits.ts";
import { listen } from "./http/listen.ts";
import { isLoopback } from "./http/origin-check.ts";
import { RequestCounters } from "./metrics/request-counters.ts";
import type { ServedModel } from "./served-model.ts";
import { ServedModels, type ServedModelsOptions } from "./served-models.ts";
import { ServerState } from "./server-state.ts";

export interface ServeOptions extends ServedModelsOptions {
  /** Address to listen on; default 127.0.0.1. Others need keys. */
  readonly host?: string | undefined;
  /** Default 8000; 0: any that is free. */
  readonly port?: number | undefined;
  /** Keys of which every request must bring one; none: whoever reaches the server may ask. */
  readonly apiKeys?: readonly string[] | undefined;
  /** Keys of which one is needed to load and unload adapters. */
  readonly adminKeys?: readonly string[] | undefined;
  /** Folders below which adapters may be loaded while the server runs. */
  readonly adapterFolders?: readonly string[] | undefined;
  /** Further names that the server may be called by. */
  readonly hosts?: readonly string[] | undefined;
  /** Origins of pages that may ask. */
  readonly corsOrigins?: readonly string[] | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** Default: none. */
  readonly log?: LogForm | undefined;
  /** Takes lines of the log. */
  readonly onLine?: ((line: string) => void) | undefined;
}

export interface RunningServer {
  readonly url: string;
  readonly state: ServerState;
  /** Finishes what has begun, within a limit, and frees everything. */
  stop(): Promise<void>;
}

/**
 * Listens, then opens the model: a port that is taken is told before a model is read, and whoever watches the server sees
 * it load.
 * @throws UserError when the address cannot be listened on, is open to others without keys, or the model cannot be opened
 */
export async function startServer(name: string, options: ServeOptions): Promise<RunningServer> {
  const { host = "127.0.0.1", port = 8000, apiKeys = [], adminKeys = [], hosts = [], corsOrigins = [] } = options;
  const { adapterFolders = [], log = "none", onLine = () => {}, onEvent = () => {} } = options;
  const loopback = isLoopback(host);
  if (!loopback && apiKeys.length === 0) throw needsKey(host);
  const limits = { ...defaultLimits, ...options.limits };
  const state = new ServerState(limits, new Gate(limits), new RequestCounters(), adapterFolders.map(realFolder));
  const http = new HttpServer(state, {
    endpoints,
    origins: { loopback, hosts: hosts.map((one) => one.toLowerCase()), corsOrigins },
    apiKeys: apiKeys.length > 0 ? new Keys(apiKeys, "the API keys") : undefined,
    adminKeys: adminKeys.length > 0 ? new Keys(adminKeys, "the admin keys") : undefined,
    log: accessLog(log, onLine),
    onBug: (error, id) => onLine(bugLine(error, id, log)),
  });
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${await listen(http, host, port)}`;
  try {
    const models = await ServedModels.open(name, options);
    state.models = models;
    await warmUp(models.all[0]!);
    // Told to stop meanwhile.
    if (state.phase === "loading") state.phase = "ready";
    tellReady(url, models, onEvent);
    return {
      url,
      state,
      async stop() {
        await http.stop();
        await models[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await http.stop();
    await state.modelsIfAny?.[Symbol.asyncDispose]();
    throw error;
  }
}

function tellReady(url: string, models: ServedModels, onEvent: EventSink): void {
  for (const { id, facts } of models.all) {
    onEvent({ kind: "note", level: "info", message: `model ${id}: ${facts.description}` });
  }
  onEvent({ kind: "note", level: "info", message: `ready on ${url}` });
}

/** A first pass compiles and measures what later ones use. */
async function warmUp({ facts, engine, adapter, isClassifier, stopTokens }: ServedModel): Promise<void> {
  const prompt = facts.tokenizer.encodeWithSpecial("Hello").ids;
  if (isClassifier) await engine.scoreClasses([prompt]);
  else for await (const _ of engine.generate({ prompt, maxNewTokens: 1, adapter, stopTokens }));
}

/** @throws UserError where it is not there */
function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch (error) {
    throw fileError("read", folder, error);
  }
}

function needsKey(host: string): UserError {
  return new UserError({
    code: "serve/needs-key",
    message: `on ${host} others can reach the server, and it has no key`,
    where: "--host",
    fix: "give --api-key-file FILE or set FETTLE_API_KEY (openssl rand -hex 24 makes one), or listen on 127.0.0.1",
  });
}

function bugLine(error: unknown, id: string, log: LogForm): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const time = new Date().toISOString();
  return log === "json" ? JSON.stringify({ time, event: "bug", id, stack }) : `${time} bug in request ${id}: ${stack}`;
}
