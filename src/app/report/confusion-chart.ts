import type { CustomSeriesRenderItemAPI, CustomSeriesRenderItemParams } from "echarts";
import { axisStyle, palette, renderChart } from "./chart.ts";
import { occupiedCells } from "./confusion-cells.ts";
import { formatCount } from "./format.ts";
import type { Html } from "./html.ts";

/** A picture of more classes than this has cells too small to see. */
export const MAX_PICTURED_CLASSES = 40;

const SIZE = 380;
/** Of more classes than this the picture is larger, and scrolls on narrow screens. */
export const MAX_SMALL_CLASSES = 12;
const LARGE_SIZE = 720;
const LONGEST_LABEL = 18;

/**
 * Confusion matrix as a square picture: rows true classes, columns predicted ones, right answers in one colour and
 * wrong ones in another, as strong as their share of the row. Counts are written in where they fit.
 */
export function renderConfusionChart(
  labels: readonly string[],
  matrix: readonly (readonly number[])[],
  description: string,
): Html {
  const names = labels.map((label) => (label.length > LONGEST_LABEL ? `${label.slice(0, LONGEST_LABEL - 1)}…` : label));
  const cells = occupiedCells(matrix);
  const size = labels.length > MAX_SMALL_CLASSES ? LARGE_SIZE : SIZE;
  const fontSize = labels.length > MAX_SMALL_CLASSES ? 11 : 13;
  const labelWidth = Math.max(...names.map((name) => name.length)) * fontSize * 0.62;
  const left = labelWidth + 34;
  const side = size - left - 10;
  const upright = labelWidth > side / labels.length;
  const bottom = (upright ? labelWidth : fontSize) + 40;
  const axis = { ...axisStyle(fontSize), type: "category", data: names, splitLine: { show: false } };
  const axisLabel = { color: palette.ink, fontSize, interval: 0 };
  return renderChart(
    { width: size, height: side + bottom + 10, description },
    {
      grid: { left, top: 10, width: side, height: side, outerBoundsMode: "none" },
      xAxis: {
        ...axis,
        axisLabel: { ...axisLabel, rotate: upright ? 90 : 0 },
        name: "predicted",
        nameLocation: "middle",
        nameGap: bottom - 16,
      },
      yAxis: {
        ...axis,
        axisLabel,
        inverse: true,
        name: "true",
        nameLocation: "middle",
        nameGap: labelWidth + 18,
      },
      series: [
        {
          type: "custom",
          silent: true,
          data: cells.map(({ target, predicted, share, count }) => [predicted, target, share, count]),
          renderItem: (_params: CustomSeriesRenderItemParams, api: CustomSeriesRenderItemAPI) => drawCell(api),
        },
      ],
    },
  );
}

function drawCell(api: CustomSeriesRenderItemAPI): object {
  const [predicted, target, share, count] = [0, 1, 2, 3].map((dimension) => Number(api.value(dimension)));
  const [x, y] = api.coord([predicted!, target!]) as [number, number];
  const [width, height] = api.size!([1, 1]) as [number, number];
  const shape = { x: x - width / 2 + 1, y: y - height / 2 + 1, width: width - 2, height: height - 2, r: 2 };
  const text = formatCount(count!);
  const fontSize = Math.min(16, height * 0.42);
  const fits = fontSize >= 8 && text.length * fontSize * 0.6 <= width - 4;
  return {
    type: "group",
    children: [
      {
        type: "rect",
        shape,
        style: { fill: predicted === target ? palette.accent : palette.warm, opacity: 0.08 + 0.92 * share! },
      },
      fits && {
        type: "text",
        style: {
          x,
          y,
          text,
          align: "center",
          verticalAlign: "middle",
          fontSize,
          fontFamily: "inherit",
          fill: share! > 0.55 ? palette.paper : palette.ink,
        },
      },
    ].filter((child) => child !== false),
  };
}
