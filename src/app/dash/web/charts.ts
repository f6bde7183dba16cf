/** Curves over steps or seconds, drawn by ECharts in the page's own colours. */
import * as echarts from "echarts";
import type { Points } from "../wire.ts";
import { element } from "./dom.ts";
import { count, figure } from "./format.ts";

export interface Curve {
  readonly name: string;
  readonly points: Points;
  /** Drawn as dots joined by a dashed line: few points, such as of validation. */
  readonly sparse?: boolean;
}

export interface ChartOptions {
  readonly title: string;
  readonly curves: readonly Curve[];
  /** Of the horizontal axis; default: step. */
  readonly along?: string;
  readonly format?: (value: number) => string;
  /** 0 to 1: weight of what came before, as in an exponential moving average. */
  readonly smoothing?: number;
  readonly logarithmic?: boolean;
}

/** Values in the table beside a chart. */
const TABLE_ROWS = 12;

/** A chart in its figure; `show` draws other values into it, and keeps what the reader zoomed to. */
export class Chart {
  readonly figure: HTMLElement;
  readonly #picture: HTMLElement;
  readonly #details: HTMLDetailsElement;
  #chart: echarts.ECharts | undefined;
  #options: ChartOptions;

  constructor(options: ChartOptions) {
    this.#options = options;
    this.#picture = element("div", { class: "chart", role: "img" });
    this.#details = element("details", { ontoggle: () => this.#fillTable() }, element("summary", {}, "Values"));
    this.figure = element("figure", {}, element("figcaption", {}, options.title), this.#picture, this.#details);
    charts.add(this);
  }

  show(options: ChartOptions): void {
    this.#options = options;
    this.#draw();
    this.#fillTable();
  }

  /** After the figure has its place in the page, or its colours or its width have changed. */
  redraw(): void {
    this.#chart?.dispose();
    this.#chart = undefined;
    this.#draw();
  }

  dispose(): void {
    this.#chart?.dispose();
    charts.delete(this);
  }

  #draw(): void {
    if (!this.#picture.isConnected) return;
    const { curves, along = "step", format = figure, smoothing = 0, logarithmic = false } = this.#options;
    this.#picture.setAttribute("aria-label", describe(this.#options));
    this.#chart ??= echarts.init(this.#picture, undefined, { renderer: "canvas" });
    const style = getComputedStyle(document.documentElement);
    const color = (name: string): string => style.getPropertyValue(`--${name}`).trim();
    const axis = {
      axisLine: { lineStyle: { color: color("rule") } },
      axisLabel: { color: color("muted"), hideOverlap: true },
      splitLine: { lineStyle: { color: color("rule"), opacity: 0.5 } },
    };
    this.#chart.setOption(
      {
        animation: false,
        color: [1, 2, 3, 4, 5, 6].map((i) => color(`series-${i}`)),
        textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: color("ink") },
        grid: { left: 8, right: 16, top: curves.length > 1 ? 34 : 12, bottom: 34, containLabel: true },
        legend: { show: curves.length > 1, type: "scroll", top: 0, left: 0, textStyle: { color: color("muted") } },
        tooltip: {
          trigger: "axis",
          confine: true,
          backgroundColor: color("paper"),
          borderColor: color("rule"),
          textStyle: { color: color("ink") },
          valueFormatter: (value: unknown) => (typeof value === "number" ? format(value) : "–"),
        },
        dataZoom: [{ type: "inside", filterMode: "none" }],
        xAxis: {
          type: "value",
          name: along,
          nameLocation: "middle",
          nameGap: 22,
          min: "dataMin",
          max: "dataMax",
          ...axis,
        },
        yAxis: {
          type: logarithmic ? "log" : "value",
          scale: true,
          ...axis,
          axisLabel: { ...axis.axisLabel, formatter: (value: number) => format(value) },
        },
        series: curves.map(({ name, points, sparse = false }) => ({
          name,
          type: "line",
          showSymbol: sparse || points.steps.length === 1,
          symbolSize: 5,
          lineStyle: { width: 1.6, type: sparse ? "dashed" : "solid" },
          data: smoothed(points, sparse ? 0 : smoothing),
        })),
      },
      { replaceMerge: ["series"] },
    );
  }

  /** Only when it is open: a reader who does not see the picture reads it there. */
  #fillTable(): void {
    if (!this.#details.open) return;
    const { curves, along = "step", format = figure } = this.#options;
    const steps = [...new Set(curves.flatMap(({ points }) => points.steps))].sort((a, b) => a - b);
    const stride = Math.max(1, Math.ceil(steps.length / TABLE_ROWS));
    const shown = steps.filter((_, i) => (steps.length - 1 - i) % stride === 0);
    const head = element(
      "tr",
      {},
      [along, ...curves.map(({ name }) => name)].map((name) => element("th", { scope: "col" }, name)),
    );
    const rows = shown.map((step) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, count(step)),
        curves.map(({ points }) => {
          const at = points.steps.indexOf(step);
          return element("td", { class: "number" }, at < 0 ? "" : format(points.values[at]!));
        }),
      ),
    );
    this.#details.replaceChildren(
      element("summary", {}, "Values"),
      element("div", { class: "scroll" }, element("table", {}, element("thead", {}, head), element("tbody", {}, rows))),
    );
  }
}

const charts = new Set<Chart>();

/** Exponential moving average with the weight of a young average corrected, as in Adam's moments. */
export function smoothed({ steps, values }: Points, weight: number): [number, number][] {
  let [average, total] = [0, 0];
  return steps.map((step, i) => {
    average = weight * average + (1 - weight) * values[i]!;
    total = weight * total + (1 - weight);
    return [step, average / total];
  });
}

function describe({ title, curves, format = figure }: ChartOptions): string {
  const parts = curves.map(({ name, points: { steps, values } }) => {
    if (values.length === 0) return `${name}: nothing yet`;
    return `${name}: ${format(values[0]!)} at ${count(steps[0]!)}, ${format(values.at(-1)!)} at ${count(steps.at(-1)!)}`;
  });
  return `${title}. ${parts.join("; ")}`;
}

addEventListener("resize", () => {
  for (const chart of charts) chart.redraw();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const chart of charts) chart.redraw();
});
