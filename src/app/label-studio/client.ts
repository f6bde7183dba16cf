import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../base/errors.ts";
import { packageVersion } from "../../base/package-root.ts";
import { badAnswer, type RetryLater, refusalOf, retryOf, unreachable } from "./refusals.ts";
import type { ServerAccess } from "./server-access.ts";

/** Of one answer: a page of a hundred tasks may have some megabytes. */
const MAX_ANSWER_BYTES = 256 * 2 ** 20;
const TIMEOUT = 120_000;
const RETRY_DELAYS = [1000, 4000, 10_000] as const;

export type JsonAnswer = Readonly<Record<string, unknown>>;

/** Requests to a Label Studio server: bounded, patient where that is harmless, with errors that say what to do. */
export class LabelStudioClient {
  readonly access: ServerAccess;
  /** What requests carry: the key itself, or what a personal access token was exchanged for. */
  #authorization: string | undefined;
  /** Whether it ever answered: a server that is not there is not waited for. */
  #answered = false;

  constructor(access: ServerAccess) {
    this.access = access;
  }

  /** @throws UserError when there is no such thing, or the server cannot be reached */
  get(path: string): Promise<unknown> {
    return this.#ask("GET", path, undefined);
  }

  /** @throws UserError when the server refuses or cannot be reached; what was sent may have arrived all the same */
  post(path: string, body: unknown): Promise<unknown> {
    return this.#ask("POST", path, body);
  }

  patch(path: string, body: unknown): Promise<unknown> {
    return this.#ask("PATCH", path, body);
  }

  /** Tries again what may be done twice; anything else only where the server says that it did not do it. */
  async #ask(method: string, path: string, body: unknown): Promise<unknown> {
    const delays = this.access.retryDelays ?? RETRY_DELAYS;
    let renewed = false;
    for (let failures = 0; ; ) {
      const found = await this.#attempt(method, path, body);
      if ("answer" in found) return found.answer;
      if (found.kind === "expired" && !renewed && this.#isPersonal) {
        this.#authorization = undefined;
        renewed = true;
        continue;
      }
      const delay = delays[failures++];
      const harmless = method === "GET" || method === "PATCH" || found.kind === "busy";
      const hopeless = found.kind === "expired" || (found.kind === "unreachable" && !this.#answered);
      if (hopeless || delay === undefined || !harmless) throw found.error;
      await sleep(found.wait ?? delay);
    }
  }

  async #attempt(method: string, path: string, body: unknown): Promise<{ answer: unknown } | RetryLater> {
    const authorization = await this.#authorize();
    if (typeof authorization !== "string") return authorization;
    return this.#send(method, path, body, { Authorization: authorization });
  }

  /** A personal access token is a JWT: three parts between dots. */
  get #isPersonal(): boolean {
    return this.access.apiKey.split(".").length === 3;
  }

  async #authorize(): Promise<string | RetryLater> {
    if (!this.#isPersonal) return `Token ${this.access.apiKey}`;
    if (this.#authorization !== undefined) return this.#authorization;
    const found = await this.#send("POST", "/api/token/refresh", { refresh: this.access.apiKey }, {});
    if (!("answer" in found)) return found;
    const { access } = found.answer as { readonly access?: unknown };
    if (typeof access !== "string") throw badAnswer(this.access, "it exchanges no token");
    this.#authorization = `Bearer ${access}`;
    return this.#authorization;
  }

  async #send(
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>>,
  ): Promise<{ answer: unknown } | RetryLater> {
    const signal = AbortSignal.timeout(this.access.timeout ?? TIMEOUT);
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.access.url}${path}`, {
        method,
        headers: {
          Accept: "application/json",
          "User-Agent": `fettle/${packageVersion}`,
          ...(body !== undefined && { "Content-Type": "application/json" }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        // A redirected POST would become a GET, and the key must not follow.
        redirect: "manual",
        signal,
      });
      text = await this.#textOf(response);
      this.#answered = true;
    } catch (error) {
      if (error instanceof UserError) throw error;
      return { kind: "unreachable", error: unreachable(this.access, error), wait: undefined };
    }
    const retry = retryOf(response, text, this.access);
    if (retry !== undefined) return retry;
    if (!response.ok) throw refusalOf(response, text, path, this.access);
    try {
      return { answer: text === "" ? {} : JSON.parse(text) };
    } catch {
      throw badAnswer(this.access, text.trimStart().startsWith("<") ? "it is an HTML page" : "it is no JSON");
    }
  }

  async #textOf(response: Response): Promise<string> {
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
      length += (chunk as Uint8Array).length;
      if (length > MAX_ANSWER_BYTES) throw badAnswer(this.access, `it has more than ${MAX_ANSWER_BYTES} bytes`);
      parts.push(chunk as Uint8Array);
    }
    return Buffer.concat(parts).toString("utf8");
  }
}
