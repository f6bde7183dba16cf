/** Edit distance with adjacent transpositions (optimal string alignment; Damerau 1964, Levenshtein 1966). */
export function editDistance(a: string, b: string): number {
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  for (let i = 0; i <= a.length; i++) table[i * width] = i;
  for (let j = 0; j <= b.length; j++) table[j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const substitution = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(
        table[(i - 1) * width + j]! + 1,
        table[i * width + j - 1]! + 1,
        table[(i - 1) * width + j - 1]! + substitution,
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, table[(i - 2) * width + j - 2]! + 1);
      }
      table[i * width + j] = best;
    }
  }
  return table[a.length * width + b.length]!;
}

/** The candidate closest to a mistyped name, or undefined when none is close enough to be meant. */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let nearestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < nearestDistance) {
      nearest = candidate;
      nearestDistance = distance;
    }
  }
  const limit = Math.max(1, Math.floor(Math.max(name.length, nearest?.length ?? 0) / 3));
  return nearestDistance <= limit ? nearest : undefined;
}

/** `did you mean "x"? there are: a, b, c`; the list is cut at 12 names. */
export function suggestName(name: string, candidates: readonly string[]): string {
  const nearest = nearestName(name, candidates);
  const shown = candidates.slice(0, 12).join(", ") + (candidates.length > 12 ? `, … (${candidates.length})` : "");
  return `${nearest === undefined ? "" : `did you mean "${nearest}"? `}there are: ${shown}`;
}
