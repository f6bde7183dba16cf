/** What W&B calls the machine's figures, and in which unit it has them. */
const names: readonly (readonly [ours: RegExp, theirs: string, scale: number])[] = [
  [/^system\/cpu$/, "cpu", 100],
  [/^system\/memory_bytes$/, "proc.memory.rssMB", 1 / 2 ** 20],
  [/^system\/gpu\.(\d+)\/utilization$/, "gpu.$1.gpu", 100],
  [/^system\/gpu\.(\d+)\/memory_bytes$/, "gpu.$1.memoryAllocatedBytes", 1],
  [/^system\/gpu\.(\d+)\/celsius$/, "gpu.$1.temp", 1],
  [/^system\/gpu\.(\d+)\/watts$/, "gpu.$1.powerWatts", 1],
];

/** Those that it has no name for keep ours. */
export function systemNames(values: Readonly<Record<string, number>>): Record<string, number> {
  const entries = Object.entries(values).map(([name, value]) => {
    const known = names.find(([ours]) => ours.test(name));
    return known ? ([name.replace(known[0], known[1]), value * known[2]] as const) : ([name, value] as const);
  });
  return Object.fromEntries(entries);
}
