import type { Random } from "../../base/random.ts";

/** Below this mean inversion needs fewer steps than rejection, and rejection's constants do not hold. */
const REJECTION_MEAN = 10;

/** Successes in `trials` independent trials of probability `p`, in constant expected time. */
export function sampleBinomial(random: Random, trials: number, p: number): number {
  if (trials <= 0 || p <= 0) return 0;
  if (p >= 1) return trials;
  if (p > 0.5) return trials - sampleBinomial(random, trials, 1 - p);
  return trials * p < REJECTION_MEAN ? byInversion(random, trials, p) : byRejection(random, trials, p);
}

/** Walks the distribution upwards from 0 (Kachitvichyanukul and Schmeiser 1988, BINV). */
function byInversion(random: Random, trials: number, p: number): number {
  const odds = p / (1 - p);
  const none = (1 - p) ** trials;
  const mean = trials * p;
  // What lies beyond has a probability that float64 cannot tell from 0: a draw that gets there is rounding.
  const limit = Math.min(trials, mean + 10 * Math.sqrt(mean + 1));
  while (true) {
    let mass = none;
    let rest = random.uniform();
    let k = 0;
    while (rest > mass && k <= limit) {
      rest -= mass;
      k++;
      mass *= ((trials + 1) / k - 1) * odds;
    }
    if (k <= limit) return k;
  }
}

/** Transformed rejection with squeeze (Hörmann 1993, "The generation of binomial random variates", BTRS). */
function byRejection(random: Random, trials: number, p: number): number {
  const deviation = Math.sqrt(trials * p * (1 - p));
  const b = 1.15 + 2.53 * deviation;
  const a = -0.0873 + 0.0248 * b + 0.01 * p;
  const centre = trials * p + 0.5;
  const squeeze = 0.92 - 4.2 / b;
  const alpha = (2.83 + 5.1 / b) * deviation;
  const odds = p / (1 - p);
  const mode = Math.floor((trials + 1) * p);
  while (true) {
    const u = random.uniform() - 0.5;
    const v = random.uniform();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + centre);
    if (us >= 0.07 && v <= squeeze) return k;
    if (k < 0 || k > trials) continue;
    const bound =
      (mode + 0.5) * Math.log((mode + 1) / (odds * (trials - mode + 1))) +
      (trials + 1) * Math.log((trials - mode + 1) / (trials - k + 1)) +
      (k + 0.5) * Math.log((odds * (trials - k + 1)) / (k + 1)) +
      stirlingTail(mode) +
      stirlingTail(trials - mode) -
      stirlingTail(k) -
      stirlingTail(trials - k);
    if (Math.log((v * alpha) / (a / (us * us) + b)) <= bound) return k;
  }
}

const STIRLING_TAILS = [
  0.08106146679532726, 0.0413406959554093, 0.02767792568499834, 0.02079067210376509, 0.01664469118982119,
  0.01387612882307075, 0.01189670994589177, 0.01041126526197209, 0.009255462182712733, 0.00833056343336287,
];

/** ln k! minus Stirling's (k + ½) ln(k + 1) - (k + 1) + ½ ln 2π. */
function stirlingTail(k: number): number {
  const known = STIRLING_TAILS[k];
  if (known !== undefined) return known;
  const square = (k + 1) * (k + 1);
  return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1);
}
