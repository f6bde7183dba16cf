/** What of a file is scored: all of it, or its functions; found anew only for content that no earlier scan has split. */
import { createHash } from "node:crypto";
import { UserError } from "../../base/errors.ts";
import type { Language } from "../../tune/data/units/language.ts";
import { languageEndings, languageOf } from "../../tune/data/units/languages.ts";
import { splitFunctions } from "../../tune/data/units/split-functions.ts";
import type { ScanSettings } from "../../tune/train/scan-settings.ts";
import type { ScanCache } from "./cache/scan-cache.ts";
import type { ScanProblem } from "./scan-result.ts";

export interface KeyedUnit {
  /** sha256 of its text. */
  readonly key: string;
  /** Where it begins in its file, from 1. */
  readonly startLine: number;
  /** The function's name. */
  readonly name?: string | undefined;
  /** Undefined where the cache has its scores. */
  readonly text?: string | undefined;
}

/** As the cache has it. */
interface SplitFile {
  readonly units: readonly KeyedUnit[];
  readonly errorLine: number | null;
}

export class FileUnits {
  readonly #unit: ScanSettings["unit"];
  readonly #cache: ScanCache | undefined;
  readonly #onProblem: (problem: ScanProblem) => void;
  readonly #isKnown: (key: string) => boolean;

  /** @param isKnown whether the cache has all that is wanted of a unit */
  constructor(
    unit: ScanSettings["unit"],
    cache: ScanCache | undefined,
    isKnown: (key: string) => boolean,
    onProblem: (problem: ScanProblem) => void,
  ) {
    this.#unit = unit;
    this.#cache = cache;
    this.#isKnown = isKnown;
    this.#onProblem = onProblem;
  }

  /** None where there is nothing to score; undefined, and told, where the file cannot be split. */
  async of(path: string, text: string): Promise<readonly KeyedUnit[] | undefined> {
    if (text.trim() === "") return [];
    if (this.#unit === "file") return [{ key: sha256(text), startLine: 1, text }];
    const language = languageOf(path);
    if (language === undefined) {
      const message = `it cannot be split into functions: there are parsers for ${languageEndings.join(" and ")}`;
      this.#onProblem({ path, message, fatal: true });
      return undefined;
    }
    const key = sha256(`functions of ${language.name}\0${text}`);
    const known = this.#cache?.get(key) as SplitFile | undefined;
    const split = known?.units.every((unit) => this.#isKnown(unit.key))
      ? known
      : await this.#split(path, text, language);
    if (split === undefined) return undefined;
    if (known === undefined)
      this.#cache?.put(key, { ...split, units: split.units.map((unit) => ({ ...unit, text: undefined })) });
    if (split.errorLine !== null) {
      const message = `line ${split.errorLine} is no valid ${language.name}; functions that were found all the same are scored`;
      this.#onProblem({ path, message, fatal: false });
    }
    return split.units;
  }

  async #split(path: string, text: string, language: Language): Promise<SplitFile | undefined> {
    try {
      const { units, errorLine = null } = await splitFunctions(text, language);
      return {
        units: units.map(({ name, startLine, text: own }) => ({ key: sha256(own), startLine, name, text: own })),
        errorLine,
      };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#onProblem({ path, message: error.message, fatal: true });
      return undefined;
    }
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
