import type { DataFormat } from "../../base/recipe/data-format.ts";
import type { DataOptions } from "../../base/recipe/recipe.ts";
import type { Problems } from "./problems.ts";
import type { RowReader } from "./row.ts";
import type { Source } from "./source.ts";

/** The beginning of a file, unpacked. */
export interface Head {
  readonly source: Source;
  readonly bytes: Buffer;
  /** The same as text, without a byte order mark. */
  readonly text: string;
  /** Whether this is all there is. */
  readonly complete: boolean;
}

export interface FormatHints {
  /** A format that the recipe states: only its reader is asked then. */
  readonly format: "auto" | DataFormat;
  readonly header: "auto" | boolean;
  /** Columns that the recipe refers to; a first CSV row that holds one of them is a header. */
  readonly columns: readonly (string | number)[];
  /** Labels stay the indices that rows hold, even where the file has names for them. */
  readonly rawClasses?: boolean;
  /** Of Label Studio's exports; default `majority`. */
  readonly annotators?: DataOptions["annotators"] | undefined;
  /** The same; default the one that is answered most. */
  readonly control?: DataOptions["control"] | undefined;
}

/** How a file is to be read, as its reader found it. */
export interface Recognised {
  readonly format: DataFormat;
  /** Why it is taken for this format, for the run's log. */
  readonly reason: string;
  /** All rows, from the first; may be called again. */
  read(source: Source, problems: Problems): RowReader;
}

/** One way in which files are written. */
export interface Reader {
  readonly formats: readonly DataFormat[];
  /** Readers of text are asked only about text. */
  readonly content: "text" | "binary";
  /**
   * How to read a file that begins so; undefined when it is of another format. Where `hints.format` states one of
   * `formats`, doubt is no reason to decline.
   * @throws UserError when it is this format and cannot be used
   */
  recognise(head: Head, hints: FormatHints): Recognised | undefined | Promise<Recognised | undefined>;
}
