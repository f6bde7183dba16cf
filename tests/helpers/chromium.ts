/** A browser without a window, driven over a pipe by the DevTools protocol: no package, no network. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

/** Where there is one; undefined otherwise. */
export const chromiumPath: string | undefined = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => existsSync(path));

type Params = Readonly<Record<string, unknown>>;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Params;
  readonly sessionId?: string;
  readonly result?: Params;
  readonly error?: { readonly message: string };
}

/** One browser with one tab. */
export class Chromium {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #events: Message[] = [];
  #rest = "";
  #session: string | undefined;
  #count = 0;

  private constructor(path: string) {
    this.#profile = mkdtempSync(join(tmpdir(), "fettle-chromium-"));
    const flags = ["headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "remote-debugging-pipe"];
    const quiet = ["disable-background-networking", "disable-component-update", "disable-sync"];
    const words = [...flags, ...quiet, `user-data-dir=${this.#profile}`].map((flag) => `--${flag}`);
    this.#process = spawn(path, words, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    (this.#process.stdio[4] as Readable).setEncoding("utf8").on("data", (text: string) => this.#read(text));
  }

  static async start(path: string): Promise<Chromium> {
    const browser = new Chromium(path);
    const { targetId } = await browser.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await browser.send("Target.attachToTarget", { targetId, flatten: true });
    browser.#session = sessionId as string;
    for (const domain of ["Page", "Network", "Log", "Accessibility"]) await browser.send(`${domain}.enable`);
    return browser;
  }

  /** @throws Error with what the browser says is wrong */
  async send(method: string, params: Params = {}): Promise<Params> {
    const id = ++this.#count;
    const message = { id, method, params, ...(this.#session !== undefined && { sessionId: this.#session }) };
    (this.#process.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    const { result, error } = await new Promise<Message>((resolve) => this.#waiting.set(id, resolve));
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result!;
  }

  /** Opens a file and waits until it is shown. */
  async open(path: string): Promise<void> {
    this.#events.length = 0;
    await this.send("Page.navigate", { url: `file://${path}` });
    while (!this.#events.some(({ method }) => method === "Page.loadEventFired")) await this.send("Page.getFrameTree");
  }

  /** What the page gives for an expression; plain JSON. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", { expression, returnByValue: true });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { value: T }).value;
  }

  /** What happened since the page was opened. */
  events(method: string): readonly Params[] {
    return this.#events.flatMap((event) => (event.method === method ? [event.params!] : []));
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("close", resolve));
    this.#session = undefined;
    await this.send("Browser.close");
    await ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  #read(text: string): void {
    const messages = (this.#rest + text).split("\0");
    this.#rest = messages.pop()!;
    for (const json of messages) {
      const message: Message = JSON.parse(json);
      if (message.id === undefined) this.#events.push(message);
      else this.#waiting.get(message.id)!(message);
    }
  }
}
