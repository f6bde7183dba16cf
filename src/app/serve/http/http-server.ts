/** The HTTP side: who may ask, what is found under a path, and what becomes of an error. Knows nothing of models. */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type LogEntry, logEntry } from "../access-log.ts";
import { ApiError, apiErrorOf } from "./api-error.ts";
import { ByteBudget } from "./byte-budget.ts";
import { Deadline } from "./deadline.ts";
import type { Endpoint } from "./endpoint.ts";
import { Exchange } from "./exchange.ts";
import { findEndpoint } from "./find-endpoint.ts";
import type { HttpState } from "./http-state.ts";
import { type Keys, keyOf, noKey } from "./keys.ts";
import { HEADER_BYTES } from "./limits.ts";
import { allowOrigin, answerPreflight, checkOrigin, type OriginRules } from "./origin-check.ts";
import { readJson } from "./read-json.ts";
import { refuseConnection } from "./refuse-connection.ts";

export interface HttpServerOptions<State extends HttpState> {
  readonly endpoints: readonly Endpoint<State>[];
  readonly origins: OriginRules;
  /** Undefined: whoever reaches the server may ask. */
  readonly apiKeys: Keys | undefined;
  /** Undefined: nobody may administer it. */
  readonly adminKeys: Keys | undefined;
  readonly log: (entry: LogEntry) => void;
  /** Told of bugs: what was thrown that is no error of the client. */
  readonly onBug: (error: unknown, requestId: string) => void;
}

export class HttpServer<State extends HttpState> {
  readonly #server: Server;
  readonly #state: State;
  readonly #options: HttpServerOptions<State>;
  readonly #bodies: ByteBudget;
  readonly #open = new Set<Deadline>();
  /** Connections without a request so far; clients keep some ready. Node.js does not count them as idle. */
  readonly #silent = new Set<Socket>();

  constructor(state: State, options: HttpServerOptions<State>) {
    const { headerTime, bodyTime, connections } = state.limits;
    this.#state = state;
    this.#options = options;
    this.#bodies = new ByteBudget(state.limits.heldBytes);
    this.#server = createServer({
      maxHeaderSize: HEADER_BYTES,
      headersTimeout: headerTime * 1000,
      requestTimeout: bodyTime * 1000,
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: KEEP_ALIVE,
    });
    this.#server.maxConnections = connections;
    this.#server.on("request", (request, response) => void this.#handle(request, response));
    this.#server.on("checkContinue", (request, response) => void this.#handle(request, response));
    this.#server.on("connection", (socket: Socket) => {
      this.#silent.add(socket);
      socket.once("close", () => this.#silent.delete(socket));
    });
    this.#server.on("clientError", (error, socket) => refuseConnection(error, socket as never));
  }

  /** @returns the port @throws the system's error */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host, port, backlog: 1024 }, () => {
        this.#server.off("error", reject);
        const address = this.#server.address();
        resolve(typeof address === "object" && address !== null ? address.port : port);
      });
    });
  }

  /** Stops accepting, waits for what has begun, and ends what is left when the time for that is over. */
  async stop(): Promise<void> {
    this.#state.phase = "stopping";
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeIdleConnections();
    for (const socket of this.#silent) socket.destroy();
    const timer = setTimeout(() => {
      const reason = { status: 503, message: "the server has stopped", code: "stopping" };
      for (const deadline of this.#open) deadline.end(new ApiError(reason));
      setTimeout(() => this.#server.closeAllConnections(), LAST_WORDS).unref();
    }, this.#state.limits.drainTime * 1000);
    await closed;
    clearTimeout(timer);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const began = performance.now();
    const id = randomUUID();
    const noted = {};
    this.#silent.delete(request.socket);
    const from = request.socket.remoteAddress ?? "";
    const outcome = { endpoint: "other", code: undefined as string | undefined };
    const deadline = new Deadline(response, this.#state.limits.requestTime);
    this.#open.add(deadline);
    let held = 0;
    response.once("close", () => {
      this.#open.delete(deadline);
      this.#bodies.free(held);
      const status = response.writableFinished ? response.statusCode : CLIENT_GONE;
      const method = request.method ?? "";
      this.#state.counters.answered(outcome.endpoint, method, status, (performance.now() - began) / 1000, noted);
      this.#options.log(logEntry({ id, request, noted, began, from }, { ...outcome, status }));
      if (this.#state.phase === "stopping") this.#server.closeIdleConnections();
    });
    response.setHeader("X-Request-Id", id);
    try {
      checkOrigin(request, this.#options.origins);
      allowOrigin(request.headers, response);
      if (request.method === "OPTIONS" && request.headers.origin !== undefined) return answerPreflight(response);
      const { endpoint, rest } = findEndpoint(this.#options.endpoints, request.method ?? "", pathOf(request));
      outcome.endpoint = endpoint.path;
      this.#authorise(endpoint, request);
      if (this.#state.phase === "stopping" && endpoint.access !== "open") throw stopping();
      const hold = (bytes: number): void => {
        this.#bodies.hold(bytes);
        held += bytes;
      };
      const { limits, gate } = this.#state;
      const body = endpoint.method === "POST" ? await readJson(request, response, limits, hold) : undefined;
      using _place = endpoint.asksModel ? gate.enter() : undefined;
      const exchange = new Exchange(request, response, { rest, signal: deadline.signal, id, body, began, noted });
      if (this.#state.phase === "stopping") response.setHeader("Connection", "close");
      await endpoint.answer(exchange, this.#state);
    } catch (error) {
      outcome.code = this.#tell(error, response, deadline.signal, id);
    }
  }

  #authorise({ access }: Endpoint<State>, request: IncomingMessage): void {
    if (access === "open") return;
    const { apiKeys, adminKeys } = this.#options;
    const key = keyOf(request);
    const isAdmin = key !== undefined && adminKeys?.has(key) === true;
    if (access === "admin") {
      if (adminKeys === undefined) {
        throw new ApiError({
          status: 403,
          message: "the server was started without an admin key, so that nobody may do this",
          code: "no_admin_key",
        });
      }
      if (!isAdmin) throw noKey(key !== undefined, "admin");
    } else if (apiKeys !== undefined && !isAdmin && (key === undefined || !apiKeys.has(key))) {
      throw noKey(key !== undefined, "API");
    }
  }

  /** @returns the error's code, for the log */
  #tell(thrown: unknown, response: ServerResponse, signal: AbortSignal, id: string): string | undefined {
    // What is thrown after the request was ended says only that it was.
    const reason = signal.aborted ? signal.reason : thrown;
    if (signal.aborted && !(reason instanceof ApiError)) return undefined;
    const error = apiErrorOf(reason);
    if (error.status === 500) this.#options.onBug(reason, id);
    if (response.headersSent) {
      response.end(`data: ${JSON.stringify(error.body)}\n\n`);
    } else {
      const text = JSON.stringify(error.body);
      if (error.retryAfter !== undefined) response.setHeader("Retry-After", error.retryAfter);
      if (error.status === 401) response.setHeader("WWW-Authenticate", "Bearer");
      if (error.closes || this.#state.phase === "stopping") response.setHeader("Connection", "close");
      response.writeHead(error.status, {
        "Content-Type": "application/json; charset=utf-8",
        "Content-Length": Buffer.byteLength(text),
      });
      response.end(text);
    }
    return error.body.error.code ?? undefined;
  }
}

/**
 * Milliseconds that a connection stays open between requests: longer than a proxy keeps one (60 s is usual), and than a pass
 * on the CPU takes, since a request that came meanwhile would be lost with its connection.
 */
const KEEP_ALIVE = 75_000;
/** Milliseconds for clients to take the last words of what was ended. */
const LAST_WORDS = 1000;
/** nginx's status for a client that did not wait for its answer. */
const CLIENT_GONE = 499;

/** Without the query. */
function pathOf({ url = "" }: IncomingMessage): string {
  const end = url.indexOf("?");
  return end < 0 ? url : url.slice(0, end);
}

function stopping(): ApiError {
  return new ApiError({ status: 503, message: "the server is stopping", code: "stopping", retryAfter: 5 });
}
