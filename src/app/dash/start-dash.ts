/** The dashboard's server from its options to its end. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { UserError } from "../../base/errors.ts";
import { HttpServer } from "../serve/http/http-server.ts";
import { Keys } from "../serve/http/keys.ts";
import { listen } from "../serve/http/listen.ts";
import { isLoopback } from "../serve/http/origin-check.ts";
import { DashState } from "./dash-state.ts";
import { endpoints } from "./endpoints.ts";

export interface DashOptions {
  /** Address to listen on; default 127.0.0.1. Others need a token. */
  readonly host?: string | undefined;
  /** Default 7860; 0: any that is free. */
  readonly port?: number | undefined;
  /** What pages must bring; none: whoever reaches the server sees the runs. */
  readonly token?: string | undefined;
  /** Further names that the server may be called by. */
  readonly hosts?: readonly string[] | undefined;
  /** Told of bugs. */
  readonly onBug?: ((error: unknown) => void) | undefined;
}

export interface RunningDash {
  /** With the token, as a browser takes it. */
  readonly url: string;
  stop(): Promise<void>;
}

/** @throws UserError when the folder is none, the address cannot be listened on, or is open to others without a token */
export async function startDash(folder: string, options: DashOptions = {}): Promise<RunningDash> {
  const { host = "127.0.0.1", port = 7860, token, hosts = [], onBug = () => {} } = options;
  const root = resolve(folder);
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) throw noFolder(folder);
  const loopback = isLoopback(host);
  if (!loopback && token === undefined) throw needsToken(host);
  const http = new HttpServer(new DashState(root), {
    endpoints,
    origins: { loopback, hosts: hosts.map((one) => one.toLowerCase()), corsOrigins: [] },
    apiKeys: token === undefined ? undefined : new Keys([token], "the token"),
    adminKeys: undefined,
    log: () => {},
    onBug,
  });
  const taken = await listen(http, host, port);
  const address = `http://${host.includes(":") ? `[${host}]` : host}:${taken}/`;
  return { url: token === undefined ? address : `${address}#token=${token}`, stop: () => http.stop() };
}

function noFolder(folder: string): UserError {
  return new UserError({
    code: "dash/no-folder",
    message: "there is no such folder",
    where: folder,
    fix: "name the folder that holds the runs, by default runs",
  });
}

function needsToken(host: string): UserError {
  return new UserError({
    code: "dash/needs-token",
    message: `on ${host} others can reach the dashboard, and it has no token`,
    where: "--host",
    fix: "set FETTLE_DASH_TOKEN (openssl rand -hex 24 makes one), or listen on 127.0.0.1",
  });
}
