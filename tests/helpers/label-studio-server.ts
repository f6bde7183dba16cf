/** A Label Studio server of one's own, with an empty database in a temporary folder. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../src/base/free-port.ts";

/** Migrations of an empty database take half a minute where nothing else runs. */
const LONGEST_START = 300_000;

export class LabelStudioServer implements AsyncDisposable {
  readonly url: string;
  /** A legacy token. */
  readonly token: string = "0123456789abcdef0123456789abcdef01234567";
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(url: string, process: ChildProcess, folder: string) {
    this.url = url;
    this.#process = process;
    this.#folder = folder;
  }

  /** @param executable path of `label-studio`, as pip installs it */
  static async start(executable: string): Promise<LabelStudioServer> {
    const folder = mkdtempSync(join(tmpdir(), "fettle-label-studio-server-"));
    const port = await freePort();
    const token = "0123456789abcdef0123456789abcdef01234567";
    const words = ["start", "--no-browser", "--data-dir", folder, "--internal-host", "127.0.0.1", "-p", `${port}`];
    const user = ["--username", "a@example.com", "--password", "a-password-1", "--user-token", token];
    const env = { ...process.env, COLLECT_ANALYTICS: "false", LABEL_STUDIO_BASE_DATA_DIR: folder };
    const child = spawn(executable, [...words, ...user, "--enable-legacy-api-token", "--log-level", "ERROR"], {
      env,
      stdio: ["ignore", "ignore", "ignore"],
      detached: true,
    });
    const server = new LabelStudioServer(`http://127.0.0.1:${port}`, child, folder);
    const end = performance.now() + LONGEST_START;
    while (!(await server.#answers())) {
      if (child.exitCode !== null || performance.now() > end) {
        await server[Symbol.asyncDispose]();
        throw new Error(`${executable} does not start`);
      }
      await sleep(500);
    }
    return server;
  }

  /** A request as the owner; the answer as JSON. */
  async ask(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { Authorization: `Token ${this.token}`, "Content-Type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#process.once("close", resolve));
    if (this.#process.exitCode === null && this.#process.pid !== undefined) {
      // Its own children go with it: they are of its process group.
      process.kill(-this.#process.pid, "SIGKILL");
      await closed;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #answers(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/api/version`)).ok;
    } catch {
      return false;
    }
  }
}
