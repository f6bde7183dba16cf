/** SLURM's short form of host names: `gpu[001-003,7],login` is gpu001, gpu002, gpu003, gpu7 and login. */
export function nameList(text: string): string[] {
  const parts = text.match(/[^,[\]]+(\[[^\]]*\][^,[\]]*)*/g) ?? [];
  return parts.flatMap(expanded);
}

/** More names than this are nobody's cluster. */
const MOST = 100_000;

function expanded(part: string): string[] {
  const match = /^([^[]*)\[([^\]]*)\](.*)$/.exec(part);
  if (match === null) return [part];
  const [, before, ranges, after] = match;
  const middles = ranges!.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-");
    const count = Math.min(Number(last) - Number(first), MOST);
    return Array.from({ length: Number.isNaN(count) ? 0 : count + 1 }, (_, i) =>
      String(Number(first) + i).padStart(first!.length, "0"),
    );
  });
  return middles.flatMap((middle) => expanded(`${before}${middle}${after}`));
}
