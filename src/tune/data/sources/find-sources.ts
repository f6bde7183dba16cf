import { existsSync, statSync } from "node:fs";
import { dirname, relative, sep } from "node:path";
import { UserError } from "../../../base/errors.ts";
import type { EventSink } from "../../../base/events.ts";
import { suggestName } from "../../../base/names.ts";
import { readHead } from "../bytes.ts";
import { fileSource, type Source } from "../source.ts";
import { chooseMembers, type Member } from "./choose-members.ts";
import type { Part } from "./parts.ts";
import { isTar, listTar, tarHeadBytes } from "./tar.ts";

/**
 * The files that a data path means: the file itself, `ARCHIVE/MEMBER`, or of an archive the data files of a part. What is chosen is told.
 * @param part undefined: of all parts
 * @throws UserError when there is no such file, or nothing in it
 */
export async function findSources(
  path: string,
  part: Part | undefined,
  onEvent: EventSink,
): Promise<readonly Source[]> {
  const within = archiveMember(path);
  if (within !== undefined) return [await namedMember(within.archive, within.member)];
  const file = fileSource(path);
  const { bytes } = await readHead(file, tarHeadBytes);
  if (!isTar(bytes)) return [file];
  const { members, reason } = chooseMembers(await listTar(file), part, path);
  onEvent({ kind: "choice", name: `files of ${path}`, value: members.map((member) => member.path).join(", "), reason });
  return members.map(({ source }) => source);
}

/** Whether a path goes on behind a file: `java.tar.gz/train.jsonl`. */
export function isWithinArchive(path: string): boolean {
  return archiveMember(path) !== undefined;
}

/** What of a path is a file here, and what is in it; undefined where the path exists as it is, or nothing of it does. */
function archiveMember(path: string): { readonly archive: string; readonly member: string } | undefined {
  if (existsSync(path)) return undefined;
  for (let archive = dirname(path); archive !== dirname(archive); archive = dirname(archive)) {
    if (!existsSync(archive)) continue;
    const member = relative(archive, path).split(sep).join("/");
    return statSync(archive).isFile() ? { archive, member } : undefined;
  }
  return undefined;
}

async function namedMember(archive: string, path: string): Promise<Source> {
  const file = fileSource(archive);
  const { bytes } = await readHead(file, tarHeadBytes);
  if (!isTar(bytes)) {
    throw new UserError({
      code: "data/no-archive",
      message: `is a file and no tar archive, so there is no ${path} in it`,
      where: archive,
    });
  }
  const members: readonly Member[] = await listTar(file);
  const found = members.find((member) => member.path === path);
  if (found !== undefined) return found.source;
  const fix = suggestName(
    path,
    members.map((member) => member.path),
  );
  throw new UserError({ code: "data/no-member", message: `there is no ${path} in the archive`, where: archive, fix });
}
