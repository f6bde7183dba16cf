/**
 * F1 of two bags of tokens: precision and recall of what they have in common, each token as often as it is in both. Two
 * empty bags agree, one empty bag agrees with no other (SQuAD 2.0's evaluation).
 */
export function commonF1(answer: readonly string[], expected: readonly string[]): number {
  if (answer.length === 0 || expected.length === 0) return answer.length === expected.length ? 1 : 0;
  const left = new Map<string, number>();
  for (const token of expected) left.set(token, (left.get(token) ?? 0) + 1);
  let common = 0;
  for (const token of answer) {
    const times = left.get(token) ?? 0;
    if (times === 0) continue;
    left.set(token, times - 1);
    common++;
  }
  return (2 * common) / (answer.length + expected.length);
}
