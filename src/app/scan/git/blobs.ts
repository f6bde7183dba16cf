import { runGit } from "./run-git.ts";

/** Larger ones are no files that a scan reads. */
const MAX_BYTES = 2 * 2 ** 20;
/** What is held at once. */
const BATCH = 64;

/**
 * The content of objects, in their order; undefined for what is too large or missing.
 * @param top the repository's root
 */
export async function* readBlobs(top: string, hashes: readonly string[]): AsyncGenerator<Buffer | undefined> {
  const sizes = await sizesOf(top, hashes);
  for (let start = 0; start < hashes.length; start += BATCH) {
    const batch = hashes.slice(start, start + BATCH);
    const wanted = batch.filter((hash) => (sizes.get(hash) ?? Number.POSITIVE_INFINITY) <= MAX_BYTES);
    const { stdout } = await runGit(top, ["cat-file", "--batch"], {
      input: wanted.map((hash) => `${hash}\n`).join(""),
    });
    const contents = new Map<string, Buffer>();
    for (let at = 0; at < stdout.length; ) {
      const end = stdout.indexOf("\n", at);
      const [hash, , size] = stdout.toString("latin1", at, end).split(" ");
      if (size === undefined) break;
      contents.set(hash!, stdout.subarray(end + 1, end + 1 + Number(size)));
      at = end + 1 + Number(size) + 1;
    }
    for (const hash of batch) yield contents.get(hash);
  }
}

async function sizesOf(top: string, hashes: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const input = hashes.map((hash) => `${hash}\n`).join("");
  const { stdout } = await runGit(top, ["cat-file", "--batch-check"], { input });
  const lines = stdout.toString("latin1").split("\n");
  return new Map(
    lines.flatMap((line): [string, number][] => {
      const [hash, type, size] = line.split(" ");
      return type === "blob" ? [[hash!, Number(size)]] : [];
    }),
  );
}
