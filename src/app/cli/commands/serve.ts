import { type Command, Option } from "commander";
import { UserError } from "../../../base/errors.ts";
import type { EventSink } from "../../../base/events.ts";
import { readTextFile } from "../../../model/files/json-file.ts";
import { serverKeys } from "../../environment.ts";
import type { LogForm } from "../../serve/access-log.ts";
import { keysOfText } from "../../serve/http/keys.ts";
import { defaultLimits } from "../../serve/http/limits.ts";
import type { AdapterName } from "../../serve/served-models.ts";
import { type ServeOptions, startServer } from "../../serve/start-server.ts";
import { addExamples, type CommandModule } from "../command.ts";
import { interruptible } from "../interrupt.ts";
import { addModelOptions, loadOptions } from "../model-options.ts";
import { collect, numberBetween, wholeNumber } from "../options.ts";

interface ServeFlags {
  readonly host: string;
  readonly port: number;
  readonly name?: string;
  readonly adapter: readonly string[];
  readonly adapterFolder: readonly string[];
  readonly apiKeyFile?: string;
  readonly adminKeyFile?: string;
  readonly allowHost: readonly string[];
  readonly corsOrigin: readonly string[];
  readonly anyTemplate?: boolean;
  readonly exact?: boolean;
  readonly cacheMemory?: number;
  readonly maxRequests: number;
  readonly maxStreams: number;
  readonly maxBody: number;
  readonly requestTime: number;
  readonly drainTime: number;
  readonly log: LogForm;
}

const MAX_KEY_FILE = 2 ** 20;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** `fettle serve MODEL` */
export const serve: CommandModule = {
  define(command) {
    addModelOptions(command);
    const { requests, streams, bodyBytes, requestTime, drainTime } = defaultLimits;
    command
      .option("--host <address>", "address to listen on; others than loopback need a key", "127.0.0.1")
      .option("--port <number>", "0: any that is free", wholeNumber(0, 65535), 8000)
      .option("--name <name>", "what requests call the model; default: its own name")
      .option("--adapter <name=path>", "an adapter or run beside it; may be given several times", collect, [])
      .option("--adapter-folder <folder>", "adapters below it may be loaded while running (repeatable)", collect, [])
      .option(
        "--exact",
        "label each request by itself: the same bits whatever else is asked; slower for small requests",
      )
      .option("--any-template", "take a chat template that is not the one of the training")
      .option("--api-key-file <file>", "a key a line; default: FETTLE_API_KEY, otherwise none is needed")
      .option("--admin-key-file <file>", "who may load adapters; default: FETTLE_ADMIN_KEY, otherwise nobody")
      .option("--allow-host <name>", "a further name that the server is called by (repeatable)", collect, [])
      .option("--cors-origin <origin>", "pages of this origin may ask (repeatable)", collect, [])
      .option(
        "--cache-memory <GiB>",
        "for keys and values of texts; default: what 256 texts take, as far as memory allows",
        numberBetween(0.001, 10_000),
      )
      .option("--max-requests <count>", "running or waiting; more are sent away with 429", wholeNumber(1), requests)
      .option("--max-streams <count>", "of them, streamed answers", wholeNumber(1), streams)
      .option("--max-body <MiB>", "of a request", numberBetween(0.001, 256), bodyBytes / MIB)
      .option("--request-time <seconds>", "until an answer must be out", numberBetween(0.1, 86_400), requestTime)
      .option("--drain-time <seconds>", "for what has begun, when told to stop", numberBetween(0, 86_400), drainTime)
      .addOption(
        new Option("--log <form>", "of a line for each request").choices(["text", "json", "none"]).default("text"),
      );
    addExamples(command, [
      ["fettle serve runs/quickstart", "a run, on http://127.0.0.1:8000"],
      ["fettle serve base --adapter tickets=runs/tickets --adapter mails=runs/mails", "several over one base"],
      ["fettle serve runs/mine --host 0.0.0.0 --api-key-file keys.txt --log json", "for others, with keys"],
    ]);
  },

  async run(command, terminal) {
    const options = optionsOf(command);
    const onLine = (line: string): void => terminal.log(line);
    const onEvent = options.log === "json" ? jsonEvents(onLine) : terminal.onEvent;
    const common = { ...loadOptions(command, terminal), onLine, onEvent };
    const url = await interruptible(terminal, "when what has begun is answered", async (signal) => {
      const server = await startServer(command.args[0]!, { ...options, ...common });
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
      await server.stop();
      return server.url;
    });
    return { json: { kind: "served", url } };
  },
};

/** What is said while the model loads, in the form of the log. */
function jsonEvents(line: (text: string) => void): EventSink {
  return ({ kind, ...event }) => line(JSON.stringify({ time: new Date().toISOString(), event: kind, ...event }));
}

function optionsOf(command: Command): ServeOptions {
  const flags = command.opts<ServeFlags>();
  const { apiKey, adminKey } = serverKeys();
  return {
    host: flags.host,
    port: flags.port,
    name: flags.name,
    adapters: flags.adapter.map(adapterName),
    adapterFolders: flags.adapterFolder,
    anyTemplate: flags.anyTemplate,
    exact: flags.exact,
    cacheBytes: flags.cacheMemory === undefined ? undefined : Math.floor(flags.cacheMemory * GIB),
    apiKeys: keysFrom(flags.apiKeyFile) ?? (apiKey === undefined ? [] : [apiKey]),
    adminKeys: keysFrom(flags.adminKeyFile) ?? (adminKey === undefined ? [] : [adminKey]),
    hosts: flags.allowHost,
    corsOrigins: flags.corsOrigin,
    limits: {
      requests: flags.maxRequests,
      streams: flags.maxStreams,
      bodyBytes: Math.floor(flags.maxBody * MIB),
      requestTime: flags.requestTime,
      drainTime: flags.drainTime,
    },
    log: flags.log,
  };
}

function adapterName(text: string): AdapterName {
  const at = text.indexOf("=");
  if (at > 0 && at < text.length - 1) return { name: text.slice(0, at), path: text.slice(at + 1) };
  throw new UserError({
    code: "serve/bad-adapter",
    message: `an adapter has a name and a path, not "${text}"`,
    where: "--adapter",
    fix: "write it like --adapter tickets=runs/tickets",
  });
}

/** @throws UserError for a file without a key: it was given so that there is one */
function keysFrom(file: string | undefined): readonly string[] | undefined {
  if (file === undefined) return undefined;
  const keys = keysOfText(readTextFile(file, MAX_KEY_FILE));
  if (keys.length > 0) return keys;
  throw new UserError({ code: "serve/no-key", message: "there is no key in the file", where: file });
}
