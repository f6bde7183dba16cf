import { axisStyle, palette, renderChart, type SeriesStyle } from "./chart.ts";
import type { Html } from "./html.ts";

export interface Bars extends SeriesStyle {
  /** [names] */
  readonly values: readonly number[];
}

export interface BarChartOptions {
  readonly description: string;
  readonly format: (value: number) => string;
  /** Where the axis ends; default: after the longest bar. */
  readonly max?: number;
  readonly width: number;
}

/** More names than this make a picture that is too long to take in. */
export const MAX_BARRED = 40;

const FONT = 12;

/** About as wide as a text is in any sans serif, wide letters counted as such. */
function textWidth(text: string): number {
  const wide = text.match(/[^a-z .,:;'|()[\]-]/g)?.length ?? 0;
  return FONT * (0.72 * wide + 0.56 * (text.length - wide));
}

/** Lying bars, some beside each other for each name, the figure behind each; read from the top. */
export function renderBarChart(names: readonly string[], bars: readonly Bars[], options: BarChartOptions): Html {
  const { description, format, max, width } = options;
  const thickness = bars.length > 2 ? 9 : 12;
  const longest = width < 500 ? 14 : 24;
  const shown = names.map((name) => (name.length > longest ? `${name.slice(0, longest - 1)}…` : name));
  const labelWidth = Math.max(...shown.map(textWidth));
  const axis = axisStyle(FONT);
  const height = names.length * (bars.length * (thickness + 1) + 12) + 8;
  const largest = max ?? Math.max(1e-9, ...bars.flatMap(({ values }) => values));
  return renderChart(
    { width, height, description },
    {
      grid: { left: labelWidth + 12, right: 46, top: 4, bottom: 4, outerBoundsMode: "none" },
      xAxis: { ...axis, type: "value", min: 0, max: largest, axisLabel: { show: false }, splitNumber: 4 },
      yAxis: {
        ...axis,
        type: "category",
        inverse: true,
        data: shown,
        axisLabel: { color: palette.ink, fontSize: FONT, interval: 0 },
        splitLine: { show: false },
      },
      series: bars.map(({ values, color }) => ({
        type: "bar",
        silent: true,
        barWidth: thickness,
        barGap: "10%",
        itemStyle: { color, borderRadius: [0, 2, 2, 0] },
        label: {
          show: true,
          position: "right",
          distance: 4,
          fontSize: thickness > 10 ? 11 : 9,
          color: palette.muted,
          formatter: ({ dataIndex }: { readonly dataIndex: number }) => format(values[dataIndex]!),
        },
        data: values,
      })),
    },
  );
}
