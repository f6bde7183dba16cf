/**
 * Counters, gauges and histograms in Prometheus' text format 0.0.4:
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export type MetricLabels = Readonly<Record<string, string>>;

/** A family of numbers under one name. */
export interface Metric {
  /** Lines of the format, comments first. */
  lines(): readonly string[];
}

abstract class Family<Value> implements Metric {
  readonly name: string;
  readonly #help: string;
  readonly #type: string;
  protected readonly values: Map<string, { readonly labels: MetricLabels; value: Value }> = new Map();

  constructor(name: string, help: string, type: string) {
    this.name = name;
    this.#help = help;
    this.#type = type;
  }

  lines(): readonly string[] {
    const samples = [...this.values.values()].flatMap(({ labels, value }) => this.samples(labels, value));
    if (samples.length === 0) return [];
    return [`# HELP ${this.name} ${this.#help}`, `# TYPE ${this.name} ${this.#type}`, ...samples];
  }

  protected abstract samples(labels: MetricLabels, value: Value): readonly string[];

  protected at(labels: MetricLabels, fresh: () => Value): { value: Value } {
    const key = labelText(labels);
    let entry = this.values.get(key);
    if (entry === undefined) {
      entry = { labels, value: fresh() };
      this.values.set(key, entry);
    }
    return entry;
  }
}

/** Only grows. */
export class Counter extends Family<number> {
  constructor(name: string, help: string) {
    super(name, help, "counter");
  }

  add(amount: number, labels: MetricLabels = {}): void {
    this.at(labels, () => 0).value += amount;
  }

  /** For what is counted elsewhere. */
  set(total: number, labels: MetricLabels = {}): void {
    this.at(labels, () => 0).value = total;
  }

  protected samples(labels: MetricLabels, value: number): readonly string[] {
    return [sample(this.name, labels, value)];
  }
}

/** Goes up and down. */
export class Gauge extends Family<number> {
  constructor(name: string, help: string) {
    super(name, help, "gauge");
  }

  set(value: number, labels: MetricLabels = {}): void {
    this.at(labels, () => 0).value = value;
  }

  protected samples(labels: MetricLabels, value: number): readonly string[] {
    return [sample(this.name, labels, value)];
  }
}

interface Distribution {
  /** Observations up to each bound, those of smaller ones not included. */
  readonly counts: number[];
  count: number;
  sum: number;
}

/** How often values were at most each of some bounds. */
export class Histogram extends Family<Distribution> {
  readonly #bounds: readonly number[];

  /** @param bounds ascending */
  constructor(name: string, help: string, bounds: readonly number[]) {
    super(name, help, "histogram");
    this.#bounds = bounds;
  }

  observe(value: number, labels: MetricLabels = {}): void {
    const own = this.at(labels, () => ({ counts: this.#bounds.map(() => 0), count: 0, sum: 0 })).value;
    const bucket = this.#bounds.findIndex((bound) => value <= bound);
    if (bucket >= 0) own.counts[bucket]!++;
    own.count++;
    own.sum += value;
  }

  protected samples(labels: MetricLabels, { counts, count, sum }: Distribution): readonly string[] {
    let reached = 0;
    const buckets = this.#bounds.map((bound, i) => {
      reached += counts[i]!;
      return sample(`${this.name}_bucket`, { ...labels, le: String(bound) }, reached);
    });
    return [
      ...buckets,
      sample(`${this.name}_bucket`, { ...labels, le: "+Inf" }, count),
      sample(`${this.name}_sum`, labels, sum),
      sample(`${this.name}_count`, labels, count),
    ];
  }
}

function sample(name: string, labels: MetricLabels, value: number): string {
  return `${name}${labelText(labels)} ${value}`;
}

function labelText(labels: MetricLabels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
