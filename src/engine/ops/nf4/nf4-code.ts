/**
 * The 16 values of NF4 (Dettmers et al. 2023, arXiv 2305.14314): quantiles of a standard normal, scaled to [-1, 1], as
 * bitsandbytes has them in f32.
 */
export const nf4Code: Float32Array = Float32Array.of(
  -1.0,
  -0.6961928009986877,
  -0.5250730514526367,
  -0.39491748809814453,
  -0.28444138169288635,
  -0.18477343022823334,
  -0.09105003625154495,
  0.0,
  0.07958029955625534,
  0.16093020141124725,
  0.24611230194568634,
  0.33791524171829224,
  0.44070982933044434,
  0.5626170039176941,
  0.7229568362236023,
  1.0,
);

/** Between value i and i + 1: a number above it is coded i + 1. The f32 middles. */
export const nf4Thresholds: Float32Array = Float32Array.from({ length: 15 }, (_, i) =>
  Math.fround((nf4Code[i]! + nf4Code[i + 1]!) / 2),
);
