import type { Histogram } from "../../tune/data/stats/lengths.ts";
import { axisStyle, palette, renderChart } from "./chart.ts";
import { formatCount } from "./format.ts";
import type { Html } from "./html.ts";

export interface HistogramChartOptions {
  readonly description: string;
  readonly xName: string;
  /** A length that matters, drawn as a line: what fits. */
  readonly limit?: number | undefined;
  readonly width: number;
}

const HEIGHT = 220;

/** Counts by length, standing bars side by side. */
export function renderHistogramChart(histogram: Histogram, options: HistogramChartOptions): Html {
  const { width: bin, counts } = histogram;
  const { description, xName, limit, width } = options;
  const axis = axisStyle(12);
  return renderChart(
    { width, height: HEIGHT, description },
    {
      grid: { left: 54, right: 14, top: 10, bottom: 44, outerBoundsMode: "none" },
      xAxis: {
        ...axis,
        type: "value",
        min: 0,
        max: bin * counts.length,
        splitLine: { show: false },
        axisLabel: { ...axis.axisLabel, showMaxLabel: false, formatter: formatCount },
        splitNumber: width < 500 ? 4 : 8,
        name: xName,
        nameLocation: "middle",
        nameGap: 28,
      },
      yAxis: {
        ...axis,
        type: "value",
        minInterval: 1,
        splitNumber: 4,
        axisLabel: { ...axis.axisLabel, formatter: formatCount },
      },
      series: [
        {
          type: "custom",
          silent: true,
          data: counts.map((count, i) => [i * bin, (i + 1) * bin, count]),
          renderItem: (_params: unknown, api: HistogramApi) => drawBar(api),
        },
        ...(limit === undefined || limit > bin * counts.length
          ? []
          : [
              {
                type: "line",
                silent: true,
                showSymbol: false,
                lineStyle: { color: palette.warm, width: 1.5, type: [5, 4] },
                data: [
                  [limit, 0],
                  [limit, Math.max(...counts)],
                ],
              },
            ]),
      ],
    },
  );
}

interface HistogramApi {
  value(dimension: number): unknown;
  coord(point: readonly number[]): number[];
}

function drawBar(api: HistogramApi): object {
  const [from, to, count] = [0, 1, 2].map((dimension) => Number(api.value(dimension)));
  const [left, top] = api.coord([from!, count!]);
  const [right, bottom] = api.coord([to!, 0]);
  const shape = { x: left! + 0.5, y: top!, width: Math.max(right! - left! - 1, 0.5), height: bottom! - top! };
  return { type: "rect", shape, style: { fill: palette.accent } };
}
