/** Requests to a tracker's server: JSON in, JSON out. */
import { isJsonObject, type JsonObject, type JsonValue } from "../../model/files/json-file.ts";
import { Refusal } from "./tracker.ts";

/** Milliseconds that an answer may take. */
const PATIENCE = 30_000;
/** Of a server's own words, the most that is shown. */
const MOST_WORDS = 300;

export interface HttpClientOptions {
  /** Address without the slash at the end. */
  readonly root: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What helps when it asks who one is. */
  readonly login: string;
}

/** An answer that is no success. */
export class HttpRefusal extends Refusal {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

export class HttpClient {
  readonly #options: HttpClientOptions;

  constructor(options: HttpClientOptions) {
    this.#options = options;
  }

  /**
   * @param body makes it a POST
   * @throws HttpRefusal for what will not be better next time; another error for what may
   */
  async request(path: string, body?: JsonObject): Promise<JsonObject> {
    const { root, headers, login } = this.#options;
    const response = await this.#fetch(`${root}${path}`, {
      headers: { ...headers, ...(body && { "content-type": "application/json" }) },
      ...(body && { method: "POST", body: JSON.stringify(body) }),
      redirect: "manual",
      signal: AbortSignal.timeout(PATIENCE),
    });
    const text = await response.text();
    const { status } = response;
    if (response.ok) return objectOf(text, root);
    const said = `${root} answers ${status}: ${wordsOf(text)}`;
    if (status === 401 || status === 403) throw new HttpRefusal(`${said}; ${login}`, status);
    if (status >= 300 && status < 400) {
      throw new HttpRefusal(`${root} sends on to ${response.headers.get("location")}: give that address`, status);
    }
    if (status === 408 || status === 429 || status >= 500) throw new Error(said);
    throw new HttpRefusal(said, status);
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(url, init);
    } catch (error) {
      const { cause, message } = error as Error;
      const code = (cause as NodeJS.ErrnoException | undefined)?.code;
      throw new Error(`${this.#options.root} does not answer (${code ?? message})`);
    }
  }
}

function objectOf(text: string, root: string): JsonObject {
  const value = parsed(text);
  if (isJsonObject(value)) return value;
  throw new Refusal(`${root} answers with something else than JSON: ${wordsOf(text)}`);
}

/** What an error says, in the server's words. */
function wordsOf(text: string): string {
  const value = parsed(text);
  const message = isJsonObject(value) ? (value.message ?? value.error) : undefined;
  const words = (typeof message === "string" ? message : text).replace(/\s+/g, " ").trim();
  return words.length > MOST_WORDS ? `${words.slice(0, MOST_WORDS)}…` : words || "nothing";
}

function parsed(text: string): JsonValue | undefined {
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch {
    return undefined;
  }
}
