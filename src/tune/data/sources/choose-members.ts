import { UserError } from "../../../base/errors.ts";
import type { Source } from "../source.ts";
import { formatRank, type Part, partOf, parts } from "./parts.ts";

/** A file in an archive, a folder, or a data set of the hub. */
export interface Member {
  /** From the container on, with slashes. */
  readonly path: string;
  readonly source: Source;
}

export interface ChosenMembers {
  readonly members: readonly Member[];
  /** Why these, for the run's log. */
  readonly reason: string;
}

/** Data files by part; `undefined` is the key of those whose names say none. */
export type MembersByPart = ReadonlyMap<Part | undefined, readonly Member[]>;

/**
 * The data files of a container by what their names say. Where the files of a part lie there in several formats, those
 * of one format are taken.
 */
export function membersByPart(members: readonly Member[]): MembersByPart {
  const groups = new Map<Part | undefined, Member[]>();
  const order = new Intl.Collator("en", { numeric: true });
  for (const member of members.toSorted((a, b) => order.compare(a.path, b.path) || (a.path < b.path ? -1 : 1))) {
    if (formatRank(member.path) === undefined) continue;
    const part = partOf(member.path);
    groups.set(part, [...(groups.get(part) ?? []), member]);
  }
  for (const [part, found] of groups) {
    const best = Math.min(...found.map(({ path }) => formatRank(path)!));
    groups.set(
      part,
      found.filter(({ path }) => formatRank(path) === best),
    );
  }
  return groups;
}

/**
 * @param part undefined: all of them
 * @param where the container, for errors
 * @throws UserError when there is no data file, or none of this part while other parts are there
 */
export function chooseMembers(members: readonly Member[], part: Part | undefined, where: string): ChosenMembers {
  const groups = membersByPart(members);
  if (groups.size === 0) throw noDataFile(members, where);
  const named = parts.filter((name) => groups.has(name));
  if (part === undefined || named.length === 0) {
    const all = [...parts, undefined].flatMap((name) => groups.get(name) ?? []);
    const reason =
      part === undefined ? "all data files in it" : "all data files in it: no name says train, validation or test";
    return { members: all, reason };
  }
  const chosen = groups.get(part);
  if (chosen !== undefined)
    return { members: chosen, reason: `by ${chosen.length === 1 ? "its name" : "their names"}` };
  throw new UserError({
    code: "data/no-part",
    message: `holds no ${part} rows, by its files' names`,
    where,
    fix: `it has ${named.join(" and ")}: name the file that is meant, such as ${where}/${groups.get(named[0])![0]!.path}`,
  });
}

function noDataFile(members: readonly Member[], where: string): UserError {
  const names = members.map(({ path }) => path);
  const shown = names.slice(0, 8).join(", ") + (names.length > 8 ? `, … (${names.length})` : "");
  return new UserError({
    code: "data/no-data-file",
    message: "holds no data file (.parquet, .jsonl, .json, .csv, .tsv, each also .gz or .zst)",
    where,
    fix: names.length === 0 ? "it is empty" : `it holds ${shown}`,
  });
}
