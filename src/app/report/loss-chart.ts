import { axisStyle, palette, renderChart } from "./chart.ts";
import { formatCount, formatFigure } from "./format.ts";
import type { Html } from "./html.ts";
import type { LossPoint } from "./run-history.ts";

/** More points than this are finer than the line that draws them. */
const MAX_POINTS = 240;

/** Training and validation loss over optimizer steps. */
export function renderLossChart(
  training: readonly LossPoint[],
  validation: readonly LossPoint[],
  width: number,
  height: number,
): Html {
  const lastStep = Math.max(training.at(-1)?.step ?? 0, validation.at(-1)?.step ?? 0);
  const axis = axisStyle(13);
  return renderChart(
    { width, height, description: describe(training, validation) },
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
      series: [
        {
          type: "line",
          silent: true,
          showSymbol: false,
          lineStyle: { color: palette.accent, width: 1.75 },
          data: thinOut(training, MAX_POINTS).map(toPair),
        },
        {
          type: "line",
          silent: true,
          symbol: "circle",
          symbolSize: 7,
          showSymbol: validation.length <= 40,
          lineStyle: { color: palette.warm, width: 2 },
          itemStyle: { color: palette.warm },
          data: thinOut(validation, MAX_POINTS).map(toPair),
        },
      ],
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

function describe(training: readonly LossPoint[], validation: readonly LossPoint[]): string {
  const course = (name: string, points: readonly LossPoint[]): string | undefined =>
    points.length === 0
      ? undefined
      : `${name} loss from ${formatFigure(points[0]!.loss)} at step ${formatCount(points[0]!.step)} ` +
        `to ${formatFigure(points.at(-1)!.loss)} at step ${formatCount(points.at(-1)!.step)}`;
  const courses = [course("training", training), course("validation", validation)];
  return `Loss curve: ${courses.filter((text) => text !== undefined).join("; ")}`;
}

function toPair({ step, loss }: LossPoint): [number, number] {
  return [step, loss];
}
