/** What the dashboard's page asks for. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { packageRoot } from "../../base/package-root.ts";
import type { Endpoint } from "../serve/http/endpoint.ts";
import type { Exchange } from "../serve/http/exchange.ts";
import type { DashState } from "./dash-state.ts";
import { contentPolicy, renderDashPage } from "./page.ts";
import { resumeRun, stopRun } from "./run-control.ts";
import { detailOf } from "./run-detail.ts";

/** Points of a curve; a screen has no more columns. */
const POINTS = 1500;
/** Milliseconds between two looks at the files. */
const PERIOD = 1000;

type DashEndpoint = Endpoint<DashState>;

/** Files of the page; nothing of a run is in them, so that they need no key. */
const files: readonly DashEndpoint[] = [
  page("/", "text/html; charset=utf-8", renderDashPage),
  page("/style.css", "text/css; charset=utf-8", () => source("style.css")),
  page("/echarts.js", "text/javascript; charset=utf-8", () => readFileSync(echartsPath(), "utf8")),
  ...["main", "api", "charts", "dom", "format", "run-list", "run-page", "compare-page", "tables"].map((name) =>
    page(`/${name}.js`, "text/javascript; charset=utf-8", () => compiled(`${name}.js`)),
  ),
];

export const endpoints: readonly DashEndpoint[] = [
  ...files,
  {
    method: "GET",
    path: "/api/runs",
    access: "key",
    answer: async (exchange, state) => exchange.send({ root: state.root, runs: state.runs() }),
  },
  {
    method: "GET",
    path: "/api/run/*",
    access: "key",
    answer: async (exchange, state) => exchange.send(detailOf(state, exchange.rest)),
  },
  {
    method: "GET",
    path: "/api/curves/*",
    access: "key",
    async answer(exchange, state) {
      const { training, validation, labels, system } = state.log(exchange.rest);
      const curves = { training, validation, labels, system };
      exchange.send(
        Object.fromEntries(Object.entries(curves).map(([name, columns]) => [name, columns.thinned(POINTS)])),
      );
    },
  },
  { method: "GET", path: "/api/changes", access: "key", answer: tellChanges },
  { method: "POST", path: "/api/stop/*", access: "key", answer: acting(stopRun) },
  { method: "POST", path: "/api/resume/*", access: "key", answer: acting(resumeRun) },
];

/** Server-sent events: the names of runs that changed, and nothing while none does but a sign of life. */
async function tellChanges(exchange: Exchange, state: DashState): Promise<void> {
  const stream = exchange.stream();
  const known = new Map<string, string>();
  let quiet = 0;
  for (let first = true; state.phase === "ready" && !exchange.signal.aborted; first = false) {
    const ids = state.ids();
    const changed = ids.filter((id) => {
      const stamp = state.stamp(id);
      const differs = known.get(id) !== stamp;
      known.set(id, stamp);
      return differs;
    });
    const gone = [...known.keys()].filter((id) => !ids.includes(id));
    for (const id of gone) known.delete(id);
    if (first || changed.length + gone.length > 0 || ++quiet === 15) {
      quiet = 0;
      await stream.send({ changed: first ? [] : changed, gone });
    }
    await sleep(PERIOD, undefined, { signal: exchange.signal }).catch(() => {});
  }
  stream.end();
}

function acting(act: (folder: string) => void): DashEndpoint["answer"] {
  return async (exchange, state) => {
    act(state.folderOf(exchange.rest));
    exchange.send({ done: true });
  };
}

function page(path: string, type: string, text: () => string): DashEndpoint {
  return {
    method: "GET",
    path,
    access: "open",
    async answer({ response }) {
      response.setHeader("Content-Security-Policy", contentPolicy);
      response.setHeader("X-Content-Type-Options", "nosniff");
      response.setHeader("Referrer-Policy", "no-referrer");
      response.setHeader("Cache-Control", "no-cache");
      const body = text();
      response.writeHead(200, { "Content-Type": type, "Content-Length": Buffer.byteLength(body) }).end(body);
    },
  };
}

function source(name: string): string {
  return readFileSync(join(packageRoot, "src/app/dash/web", name), "utf8");
}

function compiled(name: string): string {
  return readFileSync(new URL(`./web/${name}`, import.meta.url), "utf8");
}

function echartsPath(): string {
  return fileURLToPath(new URL("./dist/echarts.esm.min.js", import.meta.resolve("echarts/package.json")));
}
