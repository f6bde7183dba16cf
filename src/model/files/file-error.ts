import { messageOf, UserError } from "../../base/errors.ts";

const REASONS: Readonly<Record<string, readonly [code: string, message: string, fix: string]>> = {
  ENOENT: ["files/missing", "there is no such file or folder", "check the path"],
  ENOTDIR: ["files/missing", "a part of the path is a file, not a folder", "check the path"],
  EISDIR: ["files/not-a-file", "this is a folder, a file was expected", "check the path"],
  EACCES: ["files/no-access", "permission denied", "check who owns it and its permissions"],
  EPERM: ["files/no-access", "operation not permitted", "check who owns it and its permissions"],
  EROFS: ["files/read-only", "the file system is read-only", "choose another folder"],
  ENOSPC: ["files/disk-full", "the disk is full", "free some space or choose a folder on another disk"],
  EDQUOT: ["files/disk-full", "the disk quota is used up", "free some space or choose a folder on another disk"],
  EFBIG: ["files/too-large", "the file would be larger than the file system allows", "choose a folder on another disk"],
  EMFILE: ["files/too-many-open", "too many files are open", "raise the limit of open files (ulimit -n)"],
};

/**
 * Turns what `node:fs` throws into a UserError that names the path. Errors of other kinds (a UserError, a bug) come
 * back unchanged, so that a `catch` may wrap everything it sees.
 * @param action what was being done, as a verb: "read", "write".
 */
export function fileError(action: string, path: string, error: unknown): unknown {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (code === undefined || error instanceof UserError || !/^E[A-Z0-9]+$/.test(code)) return error;
  const [errorCode, reason, fix] = REASONS[code] ?? ["files/io", messageOf(error), "check the disk"];
  return new UserError({ code: errorCode, message: `cannot ${action}: ${reason}`, where: path, fix, cause: error });
}
