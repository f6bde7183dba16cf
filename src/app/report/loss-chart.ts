import { axisStyle, renderChart, type SeriesStyle } from "./chart.ts";
import { formatCount, formatFigure } from "./format.ts";
import type { Html } from "./html.ts";
import type { LossPoint } from "./run-history.ts";

/** More points than this are finer than the line that draws them. */
const MAX_POINTS = 240;

/** One course of a loss. */
export interface LossLine extends SeriesStyle {
  readonly points: readonly LossPoint[];
  /** Whether its points are marked, where they are few: losses that were measured now and then. */
  readonly marked: boolean;
}

/** Losses over optimizer steps. */
export function renderLossChart(lines: readonly LossLine[], description: string, width: number, height: number): Html {
  const lastStep = Math.max(0, ...lines.map(({ points }) => points.at(-1)?.step ?? 0));
  const axis = axisStyle(13);
  return renderChart(
    { width, height, description },
    {
      grid: { left: 46, right: 14, top: 14, bottom: 44, outerBoundsMode: "none" },
      xAxis: {
        ...axis,
        type: "value",
        min: 0,
        max: lastStep,
        // The last step is seldom round, and its label would run into the one before.
        axisLabel: { ...axis.axisLabel, showMaxLabel: false },
        splitNumber: width < 500 ? 3 : 6,
        splitLine: { show: false },
        name: "optimizer step",
        nameLocation: "middle",
        nameGap: 28,
      },
      yAxis: { ...axis, type: "value", scale: true, splitNumber: 4 },
      series: lines.map(({ points, marked, color, dashed }) => ({
        type: "line",
        silent: true,
        symbol: "circle",
        symbolSize: 7,
        showSymbol: marked && points.length <= 40,
        lineStyle: { color, width: marked ? 2 : 1.75, type: dashed ? [6, 3] : "solid" },
        itemStyle: { color },
        data: thinOut(points, MAX_POINTS).map(({ step, loss }) => [step, loss]),
      })),
    },
  );
}

/** Means of consecutive points, at most `limit` of them; few points stay as they are. */
export function thinOut(points: readonly LossPoint[], limit: number): readonly LossPoint[] {
  if (points.length <= limit) return points;
  return Array.from({ length: limit }, (_, bin) => {
    const from = Math.floor((bin * points.length) / limit);
    const members = points.slice(from, Math.floor(((bin + 1) * points.length) / limit));
    const loss = members.reduce((sum, point) => sum + point.loss, 0) / members.length;
    return { step: members.at(-1)!.step, loss };
  });
}

/** `training loss from 2.31 at step 1 to 0.41 at step 375`; undefined without points. */
export function describeCourse(name: string, points: readonly LossPoint[]): string | undefined {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  return (
    `${name} loss from ${formatFigure(first.loss)} at step ${formatCount(first.step)} ` +
    `to ${formatFigure(last.loss)} at step ${formatCount(last.step)}`
  );
}
