/** Which files of a user's data are for training, validation and testing. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { UserError } from "../../base/errors.ts";
import { readHead } from "../../tune/data/bytes.ts";
import { fileSource } from "../../tune/data/source.ts";
import { type Member, membersByPart } from "../../tune/data/sources/choose-members.ts";
import { isTar, listTar, tarHeadBytes } from "../../tune/data/sources/tar.ts";

/** Absolute paths; none where there is no such set. */
export interface SplitFiles {
  readonly train: readonly string[];
  readonly validation: readonly string[];
  readonly test: readonly string[];
}

/**
 * A file is for training; of a folder or a tar archive, the data files whose names say train, validation and test.
 * @throws UserError when there is nothing, or no name says which file is for training
 */
export async function splitFiles(path: string): Promise<SplitFiles> {
  const full = resolve(path);
  if (!existsSync(full)) {
    throw new UserError({ code: "init/no-data", message: "there is nothing at this path", where: path });
  }
  const members = await membersOf(full);
  if (members === undefined) return { train: [full], validation: [], test: [] };
  const parts = membersByPart(members);
  const of = (part: keyof SplitFiles): string[] => (parts.get(part) ?? []).map((member) => join(full, member.path));
  if (!parts.has("train")) {
    throw new UserError({
      code: "init/no-training-file",
      message: "no data file in it has a name that says train",
      where: path,
      fix: "give the training file itself: --data FILE",
    });
  }
  return { train: of("train"), validation: of("validation"), test: of("test") };
}

/** Undefined for a file that is no archive. */
async function membersOf(path: string): Promise<readonly Member[] | undefined> {
  if (statSync(path).isDirectory()) {
    const files = readdirSync(path, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
    return files.map(({ name }) => ({ path: name, source: fileSource(join(path, name)) }));
  }
  const file = fileSource(path);
  const { bytes } = await readHead(file, tarHeadBytes);
  return isTar(bytes) ? listTar(file) : undefined;
}
