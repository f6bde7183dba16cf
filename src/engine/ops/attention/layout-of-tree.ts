/** A run of tokens and what continues it; for tests of attention. */
export interface Segment {
  readonly length: number;
  readonly children?: readonly Segment[];
}

/** A forest laid out flat in depth-first order: each token's expiry and its depth in tokens. */
export function layoutOfTree(roots: readonly Segment[]): { expiry: number[]; position: number[] } {
  const expiry: number[] = [];
  const position: number[] = [];
  const place = ({ length, children = [] }: Segment, depth: number): void => {
    const begin = expiry.length;
    for (let i = 0; i < length; i++) {
      expiry.push(0);
      position.push(depth + i);
    }
    for (const child of children) place(child, depth + length);
    expiry.fill(expiry.length, begin, begin + length);
  };
  for (const root of roots) place(root, 0);
  return { expiry, position };
}
