import type { Forecast, Taken } from "../../base/events.ts";
import { formatCount, formatDuration } from "../report/format.ts";
import { printable } from "./printable.ts";

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
  const names = Math.max(...rows.map(([name]) => name.length));
  const sizes = Math.max(...rows.map(([, bytes]) => gib(bytes).length));
  const { steps, packsPerStep, tokensPerStep, secondsPerStep, seconds } = forecast;
  return [
    `Memory on ${printable(device)}, GiB`,
    ...rows.map(([name, bytes]) => `  ${name.padEnd(names)}  ${gib(bytes).padStart(sizes)}`),
    `  of ${gib(budgetBytes)} that may be taken`,
    `Packs of at most ${formatCount(maxTokens)} tokens; ${recompute}`,
    `${formatCount(steps)} steps of ${formatCount(tokensPerStep)} tokens in ${packsPerStep.toFixed(1)} packs, about ` +
      `${seconds < 1 ? "a second" : formatDuration(seconds)} in all (an estimate: ${milliseconds(secondsPerStep)} a step)`,
  ];
}

/** How far the forecast was right. */
export function comparisonLine(predicted: Taken, measured: Taken): string {
  return (
    `predicted ${gib(predicted.peakBytes)} GiB and ${formatDuration(predicted.seconds)}, ` +
    `measured ${gib(measured.peakBytes)} GiB and ${formatDuration(measured.seconds)}`
  );
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(2);
}

function milliseconds(seconds: number): string {
  return seconds < 1 ? `${formatCount(Math.ceil(seconds * 1000))} ms` : formatDuration(seconds);
}
