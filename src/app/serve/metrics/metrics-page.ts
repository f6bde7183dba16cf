/** What a server says about itself, for Prometheus. */
import { packageVersion } from "../../../base/package-root.ts";
import type { ServerState } from "../server-state.ts";
import { Counter, Gauge, type Metric } from "./metrics.ts";

/** In the text format. */
export function metricsPage(state: ServerState): string {
  const metrics = [...state.counters.all, ...serverGauges(state), ...engineMetrics(state), ...processMetrics()];
  return `${metrics.flatMap((metric) => metric.lines()).join("\n")}\n`;
}

function serverGauges({ gate, phase, modelsIfAny }: ServerState): Metric[] {
  const device = modelsIfAny?.device.name ?? "none";
  return [
    gauge("fettle_info", "What runs.", 1, { version: packageVersion, device }),
    gauge("fettle_ready", "1 when the model answers.", phase === "ready" ? 1 : 0),
    gauge("fettle_requests_in_flight", "Requests that ask the model, running and waiting.", gate.requests),
    gauge("fettle_streams_in_flight", "Of them, answers that are streamed.", gate.streams),
  ];
}

function engineMetrics({ modelsIfAny }: ServerState): Metric[] {
  if (modelsIfAny === undefined) return [];
  const { engine, device, all } = modelsIfAny;
  const stats = engine.stats();
  const pages = new Gauge("fettle_kv_pages", "Pages of the key-value cache, by what they are held for.");
  pages.set(stats.pagesUsed, { held: "running" });
  pages.set(stats.pagesKept, { held: "prefixes" });
  pages.set(stats.pages - stats.pagesUsed - stats.pagesKept, { held: "nothing" });
  const memory = new Gauge("fettle_device_memory_bytes", "Memory of the device: held, kept for reuse, most ever held.");
  for (const [kind, bytes] of Object.entries(device.memory())) memory.set(bytes, { kind });
  return [
    gauge("fettle_models", "Names that requests may ask for.", all.length),
    gauge("fettle_generations_running", "Generations that have a place on the device.", stats.running),
    gauge("fettle_generations_waiting", "Generations and rows to score that wait for one.", stats.waiting),
    gauge("fettle_tokens_per_second", "Tokens generated a second, over the last ten.", stats.tokensPerSecond),
    counter("fettle_engine_prompt_tokens_total", "Tokens of prompts that the engine was given.", stats.promptTokens),
    counter("fettle_prefix_cached_tokens_total", "Of them, those found in the prefix cache.", stats.cachedTokens),
    counter("fettle_preemptions_total", "Generations that lost their pages for a while.", stats.preemptions),
    pages,
    memory,
  ];
}

/** Under the names that Prometheus' own client libraries give them. */
function processMetrics(): Metric[] {
  const { user, system } = process.cpuUsage();
  return [
    gauge("process_resident_memory_bytes", "Memory of the process.", process.memoryUsage.rss()),
    counter("process_cpu_seconds_total", "Processor time.", (user + system) / 1e6),
    gauge("process_start_time_seconds", "Since 1970.", Math.round(Date.now() / 1000 - process.uptime())),
  ];
}

function gauge(name: string, help: string, value: number, labels?: Readonly<Record<string, string>>): Gauge {
  const metric = new Gauge(name, help);
  metric.set(value, labels);
  return metric;
}

function counter(name: string, help: string, total: number): Counter {
  const metric = new Counter(name, help);
  metric.set(total);
  return metric;
}
