import type { Forecast, Taken } from "../../base/events.ts";
import { formatCount, formatDuration } from "../report/format.ts";
import { printable } from "./printable.ts";

const MIB = { name: "MiB", bytes: 2 ** 20, digits: 0 };
const GIB = { name: "GiB", bytes: 2 ** 30, digits: 2 };

/** What a run is expected to take, as a table and two sentences. */
export function forecastLines(forecast: Forecast): string[] {
  const { memory, peakBytes, budgetBytes, weights, recompute, maxTokens, device } = forecast;
  const { base, adapter, gradients, optimizer, activations, working, workspace } = memory;
  const parts: readonly (readonly [string, number])[] = [
    [weights, base],
    ["adapter", adapter],
    ["gradients", gradients],
    ["optimizer states", optimizer],
    ["activations kept of a pack", activations],
    ["working memory on top", working],
    ["workspace of the device", workspace],
  ];
  const rows = [...parts.filter(([, bytes]) => bytes > 0), ["peak", peakBytes] as const];
  const unit = peakBytes < 2 ** 30 ? MIB : GIB;
  const inUnit = (bytes: number): string => (bytes / unit.bytes).toFixed(unit.digits);
  const names = Math.max(...rows.map(([name]) => name.length));
  const sizes = Math.max(...rows.map(([, bytes]) => inUnit(bytes).length));
  const { steps, packsPerStep, tokensPerStep, secondsPerStep, seconds } = forecast;
  return [
    `Memory on ${printable(device)}, ${unit.name}`,
    ...rows.map(([name, bytes]) => `  ${name.padEnd(names)}  ${inUnit(bytes).padStart(sizes)}`),
    `  of ${gib(budgetBytes)} that may be taken`,
    `Packs of at most ${formatCount(maxTokens)} tokens; ${recompute}`,
    `${formatCount(steps)} steps of ${formatCount(tokensPerStep)} tokens in ${packsPerStep.toFixed(1)} packs, about ` +
      `${seconds < 1 ? "a second" : formatDuration(seconds)} in all (an estimate: ${milliseconds(secondsPerStep)} a step)`,
  ];
}

/** How far the forecast was right. */
export function comparisonLine(predicted: Taken, measured: Taken): string {
  return (
    `predicted ${gib(predicted.peakBytes)} and ${formatDuration(predicted.seconds)}, ` +
    `measured ${gib(measured.peakBytes)} and ${formatDuration(measured.seconds)}`
  );
}

function gib(bytes: number): string {
  const { bytes: size, digits, name } = bytes < GIB.bytes ? MIB : GIB;
  return `${(bytes / size).toFixed(digits)} ${name}`;
}

function milliseconds(seconds: number): string {
  return seconds < 1 ? `${formatCount(Math.ceil(seconds * 1000))} ms` : formatDuration(seconds);
}
