/** What data files held when a run was made. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathList } from "../../base/recipe/combinations.ts";
import type { DataOptions } from "../../base/recipe/recipe.ts";

/** Path -> sha256 of the file, of the archive that it is in, or of the names and sizes in the folder. */
export type DataStamp = Readonly<Record<string, string>>;

/** Files are hashed once for all runs of a sweep. */
export class DataStamps {
  readonly #known = new Map<string, Promise<string>>();

  async of({ train, validation, test }: DataOptions): Promise<DataStamp> {
    const paths = [train, validation, test].flatMap(pathList);
    const stamps = paths.map(async (path) => [path, await this.#stamp(path)] as const);
    return Object.fromEntries(await Promise.all(stamps));
  }

  #stamp(path: string): Promise<string> {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const stamp = stampOf(path);
    this.#known.set(path, stamp);
    return stamp;
  }
}

async function stampOf(path: string): Promise<string> {
  let file = path;
  while (!existsSync(file) && dirname(file) !== file) file = dirname(file);
  const hash = createHash("sha256");
  if (statSync(file).isDirectory()) {
    // A path of which nothing is here, such as a data set of the hub, is its name.
    if (file !== path) return "elsewhere";
    for (const name of readdirSync(file, { recursive: true, encoding: "utf8" }).sort()) {
      hash.update(`${name}\0${statSync(join(file, name)).size}\0`);
    }
  } else {
    for await (const chunk of createReadStream(file)) hash.update(chunk);
  }
  return hash.digest("hex");
}
