/** How figures are written for people, in the page and on the terminal. */

const NO_BREAK = "\u00a0";
const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** `86.4 %` of a share in [0, 1]. */
export function formatPercent(share: number): string {
  return `${formatPoints(share)}${NO_BREAK}%`;
}

/** `86.4`: a share in percent, for columns whose heading says so. */
export function formatPoints(share: number): string {
  return (100 * share).toFixed(1);
}

/** `+59.4`: a difference of shares, in percentage points. */
export function formatChange(difference: number): string {
  const points = formatPoints(Math.abs(difference));
  if (points === "0.0") return "0.0";
  return `${difference < 0 ? "−" : "+"}${points}`;
}

/** `83.2 to 89.4 %` of two shares. */
export function formatInterval([low, high]: readonly [number, number]): string {
  return `${formatPoints(low)} to ${formatPercent(high)}`;
}

/** `52,966`. */
export function formatCount(count: number): string {
  return grouped.format(count);
}

/** Three significant digits for figures of unknown size: `0.412`, `12.3`, `310`. */
export function formatFigure(value: number): string {
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  if (magnitude >= 100) return formatCount(value);
  if (magnitude < 0.001) return value.toExponential(1);
  return value.toPrecision(3);
}

/** `38 s`, `1 min 12 s`, `8 h 36 min`. */
export function formatDuration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)}${NO_BREAK}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}${NO_BREAK}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}${NO_BREAK}min ${whole % 60}${NO_BREAK}s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}${NO_BREAK}h ${minutes % 60}${NO_BREAK}min`;
}

/** `1.2 MB`, in powers of 1000, as disks and downloads are counted. */
export function formatBytes(bytes: number): string {
  return formatScaled(bytes, "B");
}

/** `12.4 TFLOP`. */
export function formatFlops(flops: number): string {
  return formatScaled(flops, "FLOP");
}

function formatScaled(value: number, unit: string): string {
  const prefixes = ["", "k", "M", "G", "T", "P", "E"];
  let scaled = value;
  let power = 0;
  while (scaled >= 999.5 && power < prefixes.length - 1) {
    scaled /= 1000;
    power++;
  }
  const digits = power === 0 || scaled >= 99.95 ? scaled.toFixed(0) : scaled.toFixed(scaled >= 9.995 ? 1 : 2);
  return `${digits}${NO_BREAK}${prefixes[power]}${unit}`;
}
