import { UserError } from "../../../base/errors.ts";
import type { Reading } from "../load-model.ts";
import { rawRows } from "./data-rows.ts";

/** Of all texts together: half a gigabyte in memory. */
const MAX_CHARACTERS = 2 ** 28;

/**
 * What rows are about, in full and as the file has it, where a model is given a message that was made of it: the longest text
 * of each row, by `file:line`.
 * @throws UserError where they are too much to be held
 */
export async function wholeTexts(
  data: readonly string[],
  reading: Reading["data"],
  part: "validation" | "test",
): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  let characters = 0;
  for await (const { raw, path } of rawRows(data, reading, part)) {
    const values = Object.values(raw.fields).filter((value) => typeof value === "string");
    const longest = values.toSorted((a, b) => b.length - a.length)[0];
    if (longest === undefined) continue;
    characters += longest.length;
    if (characters > MAX_CHARACTERS) throw tooLarge(path);
    texts.set(`${path}:${raw.line}`, longest);
  }
  return texts;
}

function tooLarge(path: string): UserError {
  return new UserError({
    code: "compare/too-much-text",
    message: `the rows have more than ${MAX_CHARACTERS} characters, which are held in memory for the tools`,
    where: path,
    fix: "compare on a sample: --data with a shorter file",
  });
}
