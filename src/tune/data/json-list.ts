/** Where the list of rows begins in an object: at its `[`. */
export interface ListPlace {
  readonly name: string;
  /** Bytes before it. */
  readonly start: number;
}

/** What a list of rows may be called. */
export const listNames: readonly string[] = ["data", "rows", "examples", "instances", "items", "records", "samples"];
/** Plain members such as a version may come before it. */
const listBeginning = new RegExp(
  `^[^{]*\\{\\s*(?:"[^"\\\\]*"\\s*:\\s*(?:"[^"\\\\]*"|[-+.\\w]+)\\s*,\\s*)*"(${listNames.join("|")})"\\s*:\\s*(?=\\[\\s*\\{)`,
);

/** The list of rows in an object, by the file's first bytes. */
export function findList(head: Buffer): ListPlace | undefined {
  const found = listBeginning.exec(head.toString("latin1"));
  return found === null ? undefined : { name: found[1]!, start: found[0].length };
}
