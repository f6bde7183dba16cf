/** Which files a model is for, by their names. */
import { globExpression } from "../../../tune/data/sources/glob.ts";

interface Rule {
  readonly expression: RegExp;
  /** About the name alone, wherever the file lies. */
  readonly byName: boolean;
  readonly wanted: boolean;
}

/**
 * Patterns as in `scan.files` of a recipe: one without a slash is about a file's name, one with slashes about its path
 * from the root on; `!` takes files out again, and the last pattern that fits decides.
 */
export class FileGlobs {
  readonly patterns: readonly string[];
  readonly #rules: readonly Rule[];

  constructor(patterns: readonly string[]) {
    this.patterns = patterns;
    this.#rules = patterns
      .map((pattern) => {
        const wanted = !pattern.startsWith("!");
        const glob = (wanted ? pattern : pattern.slice(1)).replace(/^\.?\//, "");
        return { expression: globExpression(glob), byName: !glob.includes("/"), wanted };
      })
      .reverse();
  }

  /** @param path from the root on, with slashes */
  match(path: string): boolean {
    const name = path.slice(path.lastIndexOf("/") + 1);
    const rule = this.#rules.find(({ expression, byName }) => expression.test(byName ? name : path));
    return rule?.wanted ?? false;
  }
}
