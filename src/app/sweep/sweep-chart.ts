import { axisStyle, palette, renderChart } from "../report/chart.ts";
import type { Html } from "../report/html.ts";
import { metricIn } from "./choose-best.ts";
import { formatMetric, titleOf } from "./sweep-columns.ts";
import type { SweepResult } from "./sweep-result.ts";

type Axis = SweepResult["axes"][number];

/** A test metric by the values of one axis: every run a dot, and a line through the means of each value's runs. */
export function sweepChart(result: SweepResult, { name, values }: Axis, metric: string): Html {
  const of = (label: string): number[] =>
    result.runs.flatMap((run) => (run.labels[name] === label ? (metricIn(run.result?.test, metric) ?? []) : []));
  const points = values.map(of);
  const means = points.map((found) => (found.length > 0 ? found.reduce((sum, v) => sum + v, 0) / found.length : null));
  const style = axisStyle(13);
  const words = values.map((label, i) => `${label} ${means[i] === null ? "none" : formatMetric(metric, means[i]!)}`);
  return renderChart(
    { width: 640, height: 260, description: `test ${titleOf(metric)} by ${name}, means: ${words.join(", ")}` },
    {
      grid: { left: 54, right: 14, top: 14, bottom: 44, outerBoundsMode: "none" },
      xAxis: {
        ...style,
        type: "category",
        data: [...values],
        splitLine: { show: false },
        name,
        nameLocation: "middle",
        nameGap: 28,
      },
      yAxis: {
        ...style,
        type: "value",
        scale: true,
        splitNumber: 4,
        axisLabel: { ...style.axisLabel, formatter: (value: number) => formatMetric(metric, value) },
      },
      series: [
        {
          type: "line",
          silent: true,
          symbol: "circle",
          symbolSize: 7,
          lineStyle: { width: 0 },
          itemStyle: { color: palette.accent, opacity: 0.55 },
          data: points.flatMap((found, i) => found.map((value) => [i, value])),
        },
        {
          type: "line",
          silent: true,
          showSymbol: false,
          lineStyle: { color: palette.warm, width: 2 },
          data: means.map((mean, i) => [i, mean]),
        },
      ],
    },
  );
}
