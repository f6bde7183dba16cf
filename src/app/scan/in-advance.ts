/**
 * Results in the order of the inputs, where work on the next inputs is under way while one result is looked at.
 * @param most how many are under way at once
 */
export async function* inAdvance<Input, Output>(
  inputs: Iterable<Input>,
  work: (input: Input) => Promise<Output>,
  most: number,
): AsyncGenerator<readonly [input: Input, output: Output]> {
  const underWay: (readonly [Input, Promise<Output>])[] = [];
  for (const input of inputs) {
    const output = work(input);
    // It is looked at when its turn comes; until then it counts as handled.
    output.catch(() => {});
    underWay.push([input, output]);
    if (underWay.length < most) continue;
    const [first, result] = underWay.shift()!;
    yield [first, await result];
  }
  for (const [input, output] of underWay) yield [input, await output];
}
