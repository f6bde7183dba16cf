import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Folder of our own package.json with a trailing slash; the same from `src/` and from `dist/`. */
export const packageRoot: string = fileURLToPath(new URL("./", import.meta.resolve("fettle/package.json")));

export const packageVersion: string = JSON.parse(readFileSync(`${packageRoot}package.json`, "utf8")).version;
