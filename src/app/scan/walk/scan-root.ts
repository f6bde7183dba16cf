/** From where the paths of a scan are told. */
import { realpathSync, statSync } from "node:fs";
import { dirname, relative, resolve, sep } from "node:path";
import { fileError } from "../../../model/files/file-error.ts";

/**
 * The working directory where all paths are in it, as in CI; otherwise the deepest folder that holds them all. So no path
 * of a result leads up.
 * @throws UserError when a path does not exist
 */
export function scanRoot(paths: readonly string[], workingDirectory: string): string {
  const folders = paths.map((path) => {
    try {
      const real = realpathSync(resolve(path));
      return statSync(real).isDirectory() ? real : dirname(resolve(path));
    } catch (error) {
      throw fileError("scan", path, error);
    }
  });
  const here = realpathSync(workingDirectory);
  if (folders.every((folder) => folder === here || isWithin(folder, here))) return here;
  return folders.reduce((common, folder) => {
    let at = common;
    while (at !== folder && !isWithin(folder, at)) at = dirname(at);
    return at;
  });
}

/** Whether a path lies below a folder. */
export function isWithin(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** From the root on, with slashes. */
export function pathFrom(root: string, path: string): string {
  const below = relative(root, path);
  return sep === "/" ? below : below.split(sep).join("/");
}
