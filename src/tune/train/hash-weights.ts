import { createHash } from "node:crypto";
import { createReadStream, readdirSync } from "node:fs";
import { join } from "node:path";

/** sha256 over the safetensors files of a folder, in the order of their names. */
export async function hashWeights(folder: string): Promise<string> {
  const hash = createHash("sha256");
  const names = readdirSync(folder).filter((name) => name.endsWith(".safetensors"));
  for (const name of names.sort()) for await (const chunk of createReadStream(join(folder, name))) hash.update(chunk);
  return hash.digest("hex");
}
