/** Quantile `q` in [0, 1] of ascending values, interpolated linearly at position q·(n - 1) (Hyndman and Fan, type 7). */
export function quantile(ascending: Float64Array, q: number): number {
  const position = q * (ascending.length - 1);
  const below = Math.floor(position);
  const lower = ascending[below]!;
  const upper = ascending[Math.min(below + 1, ascending.length - 1)]!;
  return lower + (upper - lower) * (position - below);
}
