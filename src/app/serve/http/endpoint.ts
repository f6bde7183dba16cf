import type { ServerState } from "../server-state.ts";
import type { Exchange } from "./exchange.ts";
import type { HttpState } from "./http-state.ts";

/** What is answered under one path. */
export interface Endpoint<State extends HttpState = ServerState> {
  readonly method: "GET" | "POST" | "DELETE";
  /** `*` at its end stands for anything, slashes included. */
  readonly path: string;
  /** `open`: anyone. `key`: who has an API key, where there are any. `admin`: who has an admin key. */
  readonly access: "open" | "key" | "admin";
  /** Counts among the requests that ask the model. */
  readonly asksModel?: boolean;
  /** @throws ApiError or UserError, which is told the client */
  readonly answer: (exchange: Exchange, state: State) => Promise<void>;
}
