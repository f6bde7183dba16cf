/**
 * Indices of at most `points` points of a curve for drawing, its ends among them, spread evenly along its length (the way
 * along both axes, each as a share of its range). What lies between two of them is at most one spacing off.
 * @param x [points of the curve]
 * @param y [points of the curve]
 */
export function thinCurve(x: ArrayLike<number>, y: ArrayLike<number>, points: number): number[] {
  const last = x.length - 1;
  if (x.length <= points) return Array.from({ length: x.length }, (_, i) => i);
  const way = new Float64Array(x.length);
  const [width, height] = [rangeOf(x), rangeOf(y)];
  for (let i = 1; i <= last; i++) {
    way[i] = way[i - 1]! + Math.abs(x[i]! - x[i - 1]!) / width + Math.abs(y[i]! - y[i - 1]!) / height;
  }
  const spacing = way[last]! / (points - 1);
  const kept = [0];
  for (let i = 1; i < last && kept.length < points - 1; i++) {
    if (way[i]! >= kept.length * spacing) kept.push(i);
  }
  return [...kept, last];
}

/** 1 for a curve that does not move along the axis. */
function rangeOf(values: ArrayLike<number>): number {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]!);
    high = Math.max(high, values[i]!);
  }
  return high > low ? high - low : 1;
}
