/** The standard normal distribution to the precision of float64. */

/** Below this the power series converges quickly, above it the continued fraction does. */
const SERIES_LIMIT = 2.5;
const FRACTION_TERMS = 80;

/** P(Z <= z). */
export function normalCdf(z: number): number {
  return complementaryError(-z / Math.SQRT2) / 2;
}

/** P(X > x) of chi-square with one degree of freedom: the square of a standard normal. */
export function chiSquareTail(x: number): number {
  return complementaryError(Math.sqrt(Math.max(x, 0) / 2));
}

/** The z with P(Z <= z) = p, for p in (0, 1): Newton's method on the distribution function, from its centre. */
export function normalQuantile(p: number): number {
  if (p > 0.5) return -normalQuantile(1 - p);
  let z = 0;
  // Below the centre the function is convex, so steps from the right never pass the root.
  while (true) {
    const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
    const next = z - (normalCdf(z) - p) / density;
    if (next >= z) return z;
    z = next;
  }
}

/** erfc(x) = 1 - erf(x) (Abramowitz and Stegun 1964, 7.1.6 and 7.1.14). */
function complementaryError(x: number): number {
  if (x < 0) return 2 - complementaryError(-x);
  if (x < SERIES_LIMIT) return 1 - errorSeries(x);
  let fraction = x;
  for (let term = FRACTION_TERMS; term > 0; term--) fraction = x + term / 2 / fraction;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}

function errorSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
