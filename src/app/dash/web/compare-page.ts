/** Runs laid over each other, one figure a chart. */
import type { Curves, Points, RunSummary } from "../wire.ts";
import { Chart } from "./charts.ts";
import { element, replace, table } from "./dom.ts";
import { count, duration, figure } from "./format.ts";

export interface ComparedRun {
  readonly summary: RunSummary;
  readonly curves: Curves;
}

/** Curves of training that are worth laying over each other. */
const TRAINING: Readonly<Record<string, string>> = {
  loss: "Training loss",
  learningRate: "Learning rate",
  examplesPerSecond: "Examples per second",
};

export class ComparePage {
  readonly #table = element("div");
  readonly #charts = element("div", { class: "charts" });
  readonly #drawn = new Map<string, Chart>();
  #smoothing = 0;
  #runs: readonly ComparedRun[] = [];

  constructor(place: HTMLElement) {
    const oninput = (event: Event): void => {
      this.#smoothing = Number((event.target as HTMLInputElement).value);
      this.#draw();
    };
    const slider = element("input", { type: "range", min: 0, max: 0.99, step: 0.01, value: 0, oninput });
    const controls = element("div", { class: "controls" }, element("label", {}, "Smoothing ", slider));
    replace(place, element("h2", {}, "Runs compared"), this.#table, controls, this.#charts);
  }

  show(runs: readonly ComparedRun[]): void {
    this.#runs = runs;
    const metrics = [...new Set(runs.flatMap(({ summary }) => Object.keys(summary.metrics)))];
    const rows = runs.map(({ summary }) => [
      summary.id,
      summary.status,
      `${summary.method} on ${summary.base}`,
      count(summary.step),
      duration(summary.seconds),
      figure(summary.loss),
      ...metrics.map((name) => figure(summary.metrics[name])),
    ]);
    const named = metrics.map((name) => (name === "loss" ? "validation loss" : name));
    const head = ["run", "status", "method", "step", "time", "training loss", ...named];
    replace(this.#table, table("How each stands", head, rows));
    this.#draw();
  }

  dispose(): void {
    for (const chart of this.#drawn.values()) chart.dispose();
  }

  #draw(): void {
    const validation = [...new Set(this.#runs.flatMap(({ curves }) => Object.keys(curves.validation)))];
    for (const [name, title] of Object.entries(TRAINING)) {
      this.#chart(title, (curves) => curves.training[name], false);
    }
    for (const name of validation) {
      this.#chart(`Validation: ${name}`, (curves) => curves.validation[name], true);
    }
  }

  #chart(title: string, of: (curves: Curves) => Points | undefined, sparse: boolean): void {
    const curves = this.#runs.flatMap(({ summary, curves: own }) => {
      const points = of(own);
      return points === undefined ? [] : [{ name: summary.id, points, sparse }];
    });
    if (curves.length === 0) return;
    const options = { title, curves, smoothing: this.#smoothing };
    const there = this.#drawn.get(title);
    if (there !== undefined) {
      there.show(options);
      return;
    }
    const chart = new Chart(options);
    this.#drawn.set(title, chart);
    this.#charts.append(chart.figure);
    chart.redraw();
  }
}
