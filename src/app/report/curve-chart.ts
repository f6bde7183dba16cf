import { axisStyle, palette, renderChart, type SeriesStyle } from "./chart.ts";
import type { Html } from "./html.ts";

/** A curve through the unit square. */
export interface Curve extends SeriesStyle {
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Rows behind each point: points are drawn, larger for more rows, and the line between them faintly. */
  readonly counts?: readonly number[] | undefined;
}

export interface CurveChartOptions {
  readonly description: string;
  readonly xName: string;
  readonly yName: string;
  /** Whether a line from corner to corner stands for what would be expected of chance, or of honesty. */
  readonly diagonal?: boolean;
}

const SIZE = 320;

/** Curves of shares against shares, both axes from 0 to 1. */
export function renderCurveChart(curves: readonly Curve[], options: CurveChartOptions): Html {
  const { description, xName, yName, diagonal } = options;
  const axis = { ...axisStyle(12), type: "value", min: 0, max: 1, interval: 0.25, nameLocation: "middle" };
  const line = { type: "line", silent: true, clip: false };
  return renderChart(
    { width: SIZE, height: SIZE, description },
    {
      grid: { left: 56, right: 14, top: 12, bottom: 46, outerBoundsMode: "none" },
      xAxis: { ...axis, name: xName, nameGap: 28 },
      yAxis: { ...axis, name: yName, nameGap: 35 },
      series: [
        ...(diagonal
          ? [
              {
                ...line,
                showSymbol: false,
                lineStyle: { color: palette.muted, width: 1, type: [4, 4] },
                data: [
                  [0, 0],
                  [1, 1],
                ],
              },
            ]
          : []),
        ...curves.map(({ x, y, counts, color, dashed }) => ({
          ...line,
          showSymbol: counts !== undefined,
          symbol: "circle",
          itemStyle: { color },
          lineStyle: { color, width: 1.75, type: dashed ? [6, 3] : "solid", opacity: counts === undefined ? 1 : 0.35 },
          data: x.map((value, i) => ({ value: [value, y[i]!], symbolSize: counts && symbolSize(counts, i) })),
        })),
      ],
    },
  );
}

/** Across, such that areas are as the counts, none too small to see. */
function symbolSize(counts: readonly number[], i: number): number {
  return Math.max(3, 16 * Math.sqrt(counts[i]! / Math.max(...counts)));
}
