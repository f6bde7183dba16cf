/**
 * Which parameters weight decay applies to: all but biases and norms, told by their names, as transformers' `Trainer`
 * does. `ln_1`, `ln_f` are GPT-2's and BigCode's names of LayerNorms, which it tells by their type.
 */
const undecayed = [
  /bias/,
  /layernorm/,
  /rmsnorm/,
  /(?:^|\.)norm(?:$|\.)/,
  /_norm(?:$|\.)/,
  /(?:^|\.)ln_(?:\d+|f)(?:$|\.)/,
];

export function decays(name: string): boolean {
  const lower = name.toLowerCase();
  return !undecayed.some((pattern) => pattern.test(lower));
}
