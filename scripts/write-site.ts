/** Writes the documentation as a static site into site/, which any server, or none, can show. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { packageRoot } from "../src/base/package-root.ts";
import { buildSite } from "./site/build-site.ts";

const folder = join(packageRoot, "site");
const site = buildSite(packageRoot);
rmSync(folder, { recursive: true, force: true });
for (const [path, text] of site) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}
console.log(`${site.size} files in site/; open site/index.html`);
