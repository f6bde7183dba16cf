import { java } from "./java.ts";
import type { Language } from "./language.ts";
import { solidity } from "./solidity.ts";

const languages: readonly Language[] = [java, solidity];

/** Endings of the files that can be split into functions. */
export const languageEndings: readonly string[] = languages.flatMap(({ endings }) => endings);

/** The language of a file by its name's ending; undefined for one that there is no parser for. */
export function languageOf(name: string): Language | undefined {
  return languages.find(({ endings }) => endings.some((ending) => name.endsWith(ending)));
}
