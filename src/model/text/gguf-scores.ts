/** Merges as SentencePiece's scores: it joins the two neighbours whose common token has the highest one. */

export interface SentencePieceScores {
  /** By token. */
  readonly scores: readonly number[];
  /** Pairs that SentencePiece would join and the merges do not. */
  readonly otherPairs: number;
}

/**
 * @param tokens by id
 * @param merges in the order of their rank
 */
export function sentencePieceScores(
  tokens: readonly string[],
  merges: readonly (readonly [string, string])[],
): SentencePieceScores {
  const rankOf = new Map<string, number>();
  const pairs = new Map<string, Set<number>>();
  merges.forEach(([left, right], rank) => {
    const token = left + right;
    if (!rankOf.has(token)) rankOf.set(token, rank);
    const splits = pairs.get(token) ?? new Set();
    pairs.set(token, splits.add(left.length));
  });
  const isToken = new Set(tokens);
  let otherPairs = 0;
  for (const [token, splits] of pairs) {
    for (let at = 1; at < token.length; at++) {
      if (!splits.has(at) && isToken.has(token.slice(0, at)) && isToken.has(token.slice(at))) otherPairs++;
    }
  }
  // Tokens that no merge makes are never joined; they rank below all others.
  return { scores: tokens.map((token) => -(rankOf.get(token) ?? merges.length)), otherPairs };
}
