import { BarChart, CustomChart, LineChart, ScatterChart } from "echarts/charts";
import { GridComponent } from "echarts/components";
import { type EChartsCoreOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { escapeHtml, type Html, trusted } from "./html.ts";

use([BarChart, CustomChart, GridComponent, LineChart, ScatterChart, SVGRenderer]);

/**
 * Colours are the page's CSS variables: the same picture serves a light and a dark screen and paper. Charts pass
 * them through as they are, so nothing may ask for them to be mixed or faded by name; opacity does that.
 */
export const palette = {
  ink: "var(--ink)",
  muted: "var(--muted)",
  rule: "var(--rule)",
  paper: "var(--paper)",
  accent: "var(--accent)",
  warm: "var(--warm)",
} as const;

/** How the i-th of several things is drawn: six colours, then the same ones dashed. */
export interface SeriesStyle {
  readonly color: string;
  readonly dashed: boolean;
}

/** The base model, or the data as they were; and what became of them. */
export const beforeStyle: SeriesStyle = { color: palette.muted, dashed: false };
export const afterStyle: SeriesStyle = { color: palette.accent, dashed: false };

const COLORS = 6;

export function seriesStyle(index: number): SeriesStyle {
  return { color: `var(--series-${(index % COLORS) + 1})`, dashed: Math.floor(index / COLORS) % 2 === 1 };
}

export interface ChartFrame {
  readonly width: number;
  readonly height: number;
  /** What the picture shows, for those who cannot see it. */
  readonly description: string;
}

/** Draws a chart as an SVG that scales with its container. No DOM, no script in the result. */
export function renderChart(frame: ChartFrame, option: EChartsCoreOption): Html {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: frame.width, height: frame.height });
  try {
    chart.setOption({ animation: false, textStyle: { fontFamily: "inherit", color: palette.muted }, ...option });
    const svg = chart
      .renderToSVGString({ useViewBox: true })
      // Hover rules for a pointer that has nothing to hover over.
      .replace(/<style >.*?<\/style>/s, "")
      .replace(/ class="zr\d+-cls-\d+"| pointer-events="visible"/g, "");
    return trusted(svg.replace("<svg ", `<svg role="img" aria-label="${escapeHtml(frame.description)}" `));
  } finally {
    chart.dispose();
  }
}

interface AxisStyle {
  readonly axisLine: object;
  readonly axisTick: object;
  readonly axisLabel: { readonly color: string; readonly fontSize: number };
  readonly splitLine: object;
  readonly nameTextStyle: object;
}

/** Axis dress shared by all charts: hairlines, quiet labels. */
export function axisStyle(fontSize: number): AxisStyle {
  return {
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { color: palette.muted, fontSize },
    splitLine: { show: true, lineStyle: { color: palette.rule, width: 1 } },
    nameTextStyle: { color: palette.muted, fontSize },
  };
}
