import { realpathSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
import { ApiError } from "./http/api-error.ts";

/**
 * The folder that a request for an adapter means, links followed.
 * @param path absolute, or relative to any of the folders
 * @param allowed folders as `realpath` has them
 * @throws ApiError 403 for a path that is not below one of them, and for one that is not there: who may not look does not
 *   learn what is there
 */
export function resolveAdapter(path: string, allowed: readonly string[]): string {
  for (const folder of allowed) {
    try {
      const real = realpathSync(resolve(folder, path));
      const below = relative(folder, real);
      if (below !== "" && below !== ".." && !below.startsWith(`..${sep}`) && resolve(folder, below) === real)
        return real;
    } catch {}
  }
  throw new ApiError({
    status: 403,
    message: "there is no such folder below those that adapters may be loaded from (--adapter-folder)",
    param: "path",
    code: "path_not_allowed",
  });
}
