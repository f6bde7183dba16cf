import { existsSync, readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";

/**
 * What to say of a path where nothing is, though the folder that it would be in is there: a mistyped name, rather than one of
 * the hub. Undefined for any other.
 * @param tried what came of asking the hub all the same
 */
export function absentFolder(path: string, tried?: UserError): UserError | undefined {
  const parent = dirname(path);
  if (existsSync(path) || parent === "." || !existsSync(parent)) return undefined;
  const beside = readdirSync(parent, { withFileTypes: true }).filter((entry) => !entry.isFile());
  const names = beside.map(({ name }) => name).filter((name) => !name.startsWith("."));
  return new UserError({
    code: "model/absent",
    message: `there is no such folder${tried === undefined ? "" : `, and the hub did not help: ${tried.message}`}`,
    where: path,
    fix: names.length === 0 ? "check the path" : `in ${parent} ${suggestName(basename(path), names)}`,
    cause: tried,
  });
}
