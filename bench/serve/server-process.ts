/** `fettle serve` in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { packageRoot } from "../../src/base/package-root.ts";

export class ServerProcess {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** @throws when it ends before it is ready, with what it said */
  static start(words: readonly string[]): Promise<ServerProcess> {
    const main = join(packageRoot, "dist/src/app/cli/main.js");
    const child = spawn(process.execPath, [main, "serve", ...words, "--port", "0", "--log", "none"], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    return new Promise((resolve, reject) => {
      child.stderr!.on("data", (chunk) => {
        said += chunk;
        const ready = /ready on (http:\/\/\S+)/.exec(said);
        if (ready) resolve(new ServerProcess(child, ready[1]!));
      });
      child.once("exit", (code) => reject(new Error(`fettle serve ended with ${code}: ${said}`)));
    });
  }

  /** Value of a metric without labels, or of the series named. */
  async metric(series: string): Promise<number> {
    const page = await (await fetch(`${this.url}/metrics`)).text();
    const line = page.split("\n").find((one) => one.startsWith(`${series} `));
    return line === undefined ? Number.NaN : Number(line.slice(series.length + 1));
  }

  /** @returns what it ended with */
  stop(): Promise<number | null> {
    const ended = new Promise<number | null>((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    return ended;
  }
}
