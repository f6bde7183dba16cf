/** How many keys the tokens of a pack see, all together: what attention costs. Windows are not counted. */
export function seenPairs(positions: Int32Array, seesAhead: boolean): number {
  if (!seesAhead) return positions.reduce((sum, position) => sum + position + 1, 0);
  let pairs = 0;
  positions.forEach((position, i) => {
    const isLast = i + 1 === positions.length || positions[i + 1] === 0;
    if (isLast) pairs += (position + 1) ** 2;
  });
  return pairs;
}
