import type { Lengths } from "../../tune/data/stats/lengths.ts";
import { formatCount } from "../report/format.ts";

const BAR = 40;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;

/** A line for each bin: where it begins, a bar, and how many there are. */
export function histogramLines({ histogram: { width, counts }, percentiles }: Lengths, indent: string): string[] {
  const most = Math.max(...counts);
  const open = percentiles.p100 >= counts.length * width;
  const begins = counts.map((_, i) => `${formatCount(i * width)}${open && i + 1 === counts.length ? "+" : ""}`);
  const margin = begins.at(-1)!.length;
  return counts.map((count, i) => {
    const bar = barOf(count / most).padEnd(BAR);
    return `${indent}${begins[i]!.padStart(margin)} ${bar} ${count === 0 ? "" : formatCount(count)}`.trimEnd();
  });
}

/** At least a sliver, where there is anything at all. */
function barOf(share: number): string {
  const eighths = share === 0 ? 0 : Math.max(1, Math.round(share * BAR * 8));
  return "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]!;
}
