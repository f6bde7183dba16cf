import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { UserError } from "../base/errors.ts";
import { makeFolder, replaceFolder } from "../model/files/atomic.ts";
import { fileError } from "../model/files/file-error.ts";

/**
 * Fills a new folder: it appears whole, or not at all.
 * @param fill writes into the folder that it is given
 * @throws UserError when something is there already, the disk is full, or the folder cannot be made; what `fill` throws
 */
export function fillFolder<T>(path: string, fill: (folder: string) => T): T {
  const final = resolve(path);
  refuseOccupied(final);
  let temporary: string | undefined;
  try {
    temporary = join(dirname(final), `.writing-${randomBytes(6).toString("hex")}`);
    makeFolder(temporary);
    const result = fill(temporary);
    replaceFolder(temporary, final);
    return result;
  } catch (error) {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
    throw fileError("write", final, error);
  }
}

function refuseOccupied(path: string): void {
  if (!existsSync(path)) return;
  if (statSync(path).isDirectory() && readdirSync(path).length === 0) return;
  throw new UserError({
    code: "output/exists",
    message: "there is something at this path already",
    where: path,
    fix: "choose a new folder, or remove this one",
  });
}
