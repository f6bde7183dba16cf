import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../../base/errors.ts";
import { type HubName, placeOf } from "../../../base/hub-name.ts";
import { packageVersion } from "../../../base/package-root.ts";
import { type HubAccess, RETRY_DELAYS } from "./hub-access.ts";
import { badAnswer, refusalOf, TransferError, transferErrorOf, unreachable } from "./hub-errors.ts";

/** A connection that brings nothing for as long, in ms, is given up. */
const LONGEST_SILENCE = 30_000;
/** A page of a listing has a thousand entries of some hundred bytes. */
const MAX_PAGE_BYTES = 16 * 2 ** 20;
/** Requests for one listing: ten thousand files of a model lie beside each other nowhere; data sets have more. */
const MAX_PAGES = { model: 10, dataset: 100 };

/** Body of a file: its bytes, and where in the file they start. */
export interface Transfer {
  readonly start: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Requests about one model or data set: with the token where it belongs, bounded, patient, and with errors that say what to do. */
export class HubClient {
  readonly name: HubName;
  readonly access: HubAccess;
  readonly #signal: AbortSignal;

  /** @param signal aborts every request */
  constructor(name: HubName, access: HubAccess, signal: AbortSignal) {
    this.name = name;
    this.access = access;
    this.#signal = signal;
  }

  /**
   * A `fetch` for pages of a listing, for a library to use: it asks the hub only, reads what comes into memory up to
   * a limit, and throws UserErrors in place of answers that are none.
   */
  pages(): typeof fetch {
    let pages = 0;
    const most = MAX_PAGES[this.name.type ?? "model"];
    return async (input) => {
      const url = new URL(input instanceof Request ? input.url : input);
      if (url.origin !== new URL(this.access.endpoint).origin) {
        throw badAnswer(this.name, this.access, `its listing goes on at another server, ${url.origin}`);
      }
      if (++pages > most) throw badAnswer(this.name, this.access, `its listing has more than ${most} pages`);
      return this.patiently(() => this.#page(url));
    };
  }

  /**
   * Asks for a file from byte `from` on. The server may start at 0 all the same.
   * @throws TransferError when another try may help
   * @throws UserError when the hub refuses
   */
  async file(path: string, commit: string, from: number): Promise<Transfer> {
    const file = path.split("/").map(encodeURIComponent).join("/");
    const url = `${this.access.endpoint}/${placeOf(this.name)}/resolve/${commit}/${file}`;
    const { response, chunks } = await this.#request(url, {
      // A compressed body has another length than the file.
      "Accept-Encoding": "identity",
      ...(from > 0 && { Range: `bytes=${from}-` }),
    });
    // What is left of an earlier try is longer than the file: it is of no use.
    if (response.status === 416 && from > 0) return this.file(path, commit, 0);
    if (!response.ok) throw refusalOf(response, this.name, this.access, path);
    return { start: response.status === 206 ? startOf(response) : 0, chunks };
  }

  /**
   * Tries until it works, or nothing came for as many times as there are delays.
   * @throws UserError
   */
  async patiently<T>(attempt: () => Promise<T>, cameForward: () => boolean = () => false): Promise<T> {
    const delays = this.access.retryDelays ?? RETRY_DELAYS;
    for (let failures = 0; ; ) {
      try {
        return await attempt();
      } catch (error) {
        this.refuseAborted();
        if (!(error instanceof TransferError)) throw error;
        if (cameForward()) failures = 0;
        const delay = delays[failures++];
        if (delay === undefined || isHopeless(error)) throw unreachable(this.name, this.access, error);
        await this.#wait(error.wait ?? delay);
      }
    }
  }

  /** @throws UserError when the work was aborted */
  refuseAborted(): void {
    if (!this.#signal.aborted) return;
    throw new UserError({
      code: "hub/interrupted",
      message: `fetching ${this.name.repo} was interrupted`,
      fix: "run the same command again: it goes on where it stopped",
    });
  }

  async #wait(delay: number): Promise<void> {
    try {
      await sleep(delay, undefined, { signal: this.#signal });
    } catch {
      this.refuseAborted();
    }
  }

  async #page(url: URL): Promise<Response> {
    const { response, chunks } = await this.#request(url.href, { Accept: "application/json" });
    if (!response.ok) throw refusalOf(response, this.name, this.access);
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of chunks) {
      length += chunk.length;
      if (length > MAX_PAGE_BYTES) {
        throw badAnswer(this.name, this.access, `a page of its listing has more than ${MAX_PAGE_BYTES} bytes`);
      }
      parts.push(chunk);
    }
    return new Response(Buffer.concat(parts), { status: response.status, headers: response.headers });
  }

  /** One request, whose body is cut off when it is silent for too long. `fetch` keeps the token from other servers. */
  async #request(
    url: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<{ readonly response: Response; readonly chunks: AsyncIterable<Uint8Array> }> {
    const { token } = this.access;
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(new Error("the server is silent")), LONGEST_SILENCE);
    const signal = AbortSignal.any([this.#signal, silence.signal]);
    try {
      const response = await fetch(url, {
        headers: {
          "User-Agent": `fettle/${packageVersion}; node/${process.versions.node}`,
          ...(token && { Authorization: `Bearer ${token}` }),
          ...headers,
        },
        signal,
      });
      if (response.ok) return { response, chunks: bodyOf(response, timer) };
      clearTimeout(timer);
      await response.body?.cancel();
      return { response, chunks: nothing() };
    } catch (error) {
      clearTimeout(timer);
      throw transferErrorOf(error);
    }
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* bodyOf(response: Response, timer: NodeJS.Timeout): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response.body ?? []) {
      yield chunk;
      timer.refresh();
    }
  } catch (error) {
    throw transferErrorOf(error);
  } finally {
    clearTimeout(timer);
  }
}

function startOf(response: Response): number {
  const range = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "");
  if (range === null) throw new TransferError("the server does not say which part of the file it sends");
  return Number(range[1]);
}

/** A name that is not known, or a port where nobody listens, does not mend itself in half a minute. */
function isHopeless({ cause }: TransferError): boolean {
  const inner = cause instanceof Error ? cause.cause : undefined;
  const code = inner instanceof Error ? (inner as NodeJS.ErrnoException).code : undefined;
  return ["ENOTFOUND", "ECONNREFUSED", "ERR_TLS_CERT_ALTNAME_INVALID", "DEPTH_ZERO_SELF_SIGNED_CERT"].includes(
    code ?? "",
  );
}
