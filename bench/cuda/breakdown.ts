/** Where a step's time goes: products, attention, what memory's bandwidth bounds, and time without any kernel. */
import type { KernelTime } from "../../src/engine/device/cuda/timeline.ts";
import type { Breakdown } from "./measurement.ts";

/** @param stepMilliseconds of a step that was not profiled: recording events makes a step longer */
export function breakdownOf(kernels: readonly KernelTime[], stepMilliseconds: number): Breakdown {
  const total = (chosen: readonly KernelTime[]): number => chosen.reduce((sum, row) => sum + row.milliseconds, 0);
  const products = kernels.filter(({ name }) => name === "product");
  const attention = kernels.filter(({ name }) => name.startsWith("attention"));
  const rest = kernels.filter((row) => !products.includes(row) && !attention.includes(row));
  return {
    step: stepMilliseconds,
    products: total(products),
    attention: total(attention),
    memoryBound: total(rest),
    gaps: Math.max(0, stepMilliseconds - total(kernels)),
    launches: kernels.reduce((sum, { count }) => sum + count, 0),
    kernels: kernels.map(({ name, count, milliseconds }) => ({ name, count, milliseconds })),
  };
}

/** For people. */
export function breakdownLines({
  step,
  products,
  attention,
  memoryBound,
  gaps,
  launches,
  kernels,
}: Breakdown): string[] {
  const part = (name: string, milliseconds: number): string =>
    `${name} ${milliseconds.toFixed(1)} ms (${((100 * milliseconds) / step).toFixed(0)} %)`;
  const shown = kernels.slice(0, SHOWN).map((row) => `${row.name} ${row.count}x ${row.milliseconds.toFixed(2)} ms`);
  return [
    `    a step of ${step.toFixed(1)} ms: ${part("products", products)}, ${part("attention", attention)}, ` +
      `${part("bound by memory", memoryBound)}, ${part("gaps", gaps)}; ${launches} launches`,
    `    ${shown.join("; ")}`,
  ];
}

const SHOWN = 14;
