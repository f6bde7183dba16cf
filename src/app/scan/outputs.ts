/** Where results go: any number of files, and at most one format on standard output. */
import { statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { UserError } from "../../base/errors.ts";
import { makeFolder, writeFileAtomic } from "../../model/files/atomic.ts";
import { fileError } from "../../model/files/file-error.ts";
import type { ScanPlace } from "./formats/format.ts";
import { findFormat } from "./formats/formats.ts";
import type { ScanResult } from "./scan-result.ts";

/** A format and the file that it is written to. */
export interface OutputFile {
  readonly format: string;
  readonly path: string;
}

/** A word of the command line, in their order. */
export type OutputWord = { readonly format: string } | { readonly output: string };

export interface Outputs {
  readonly files: readonly OutputFile[];
  /** The format on standard output, where one was asked for. */
  readonly stdout: string | undefined;
}

/**
 * An output is of the format before it; the first may also stand before its format.
 * @throws UserError for unknown formats, files without a format, and two formats for standard output
 */
export function pairOutputs(words: readonly OutputWord[]): Outputs {
  const pairs: { format?: string; path?: string }[] = [];
  for (const word of words) {
    const last = pairs.at(-1);
    if ("output" in word) {
      if (last === undefined) pairs.push({ path: word.output });
      else if (last.path === undefined) last.path = word.output;
      else throw withoutFormat(word.output);
    } else if (pairs.length === 1 && last!.format === undefined) last!.format = word.format;
    else pairs.push({ format: word.format });
  }
  const nameless = pairs.find(({ format }) => format === undefined);
  if (nameless !== undefined) throw withoutFormat(nameless.path!);
  const files = pairs.flatMap(({ format, path }) => (path === undefined ? [] : [{ format: format!, path }]));
  const onStdout = pairs.filter(({ path }) => path === undefined).map(({ format }) => format!);
  for (const { format } of pairs) findFormat(format!, `--format ${format}`);
  if (onStdout.length > 1) {
    throw new UserError({
      code: "scan/two-on-stdout",
      message: `standard output takes one format, not ${onStdout.join(" and ")}`,
      fix: `write the others to files: --format ${onStdout[0]} --output FILE`,
    });
  }
  return { files, stdout: onStdout[0] };
}

/**
 * Makes folders and looks at files before a scan takes its time.
 * @throws UserError where one could not be written, two are the same, or one is read
 */
export function prepareOutputs(files: readonly OutputFile[], inputs: readonly string[]): void {
  const seen = new Set<string>();
  for (const { path } of files) {
    const absolute = resolve(path);
    const stat = statSync(absolute, { throwIfNoEntry: false });
    if (stat?.isDirectory()) throw unwritable(path, "it is a folder");
    if (seen.has(absolute)) throw unwritable(path, "two outputs would be written to it");
    seen.add(absolute);
    const isRead = inputs.some((input) => {
      const other = statSync(input, { throwIfNoEntry: false });
      return other?.isFile() && stat !== undefined && other.ino === stat.ino && other.dev === stat.dev;
    });
    if (isRead) throw unwritable(path, "this file is read, and would be overwritten");
    makeFolder(dirname(absolute));
  }
}

/** Writes every file. @returns what had to be left out, as sentences */
export function writeOutputs(files: readonly OutputFile[], result: ScanResult, place: ScanPlace): readonly string[] {
  return files.flatMap(({ format, path }) => {
    const { text, notes } = findFormat(format).write(result, place);
    const stat = statSync(path, { throwIfNoEntry: false });
    try {
      // A pipe or a device is written to, not replaced.
      if (stat === undefined || stat.isFile()) writeFileAtomic(path, text);
      else writeFileSync(path, text);
    } catch (error) {
      throw fileError("write", path, error);
    }
    return notes;
  });
}

function withoutFormat(path: string): UserError {
  return new UserError({
    code: "scan/output-without-format",
    message: "it is not said in which format",
    where: `--output ${path}`,
    fix: "each output comes after its format: --format sarif --output results.sarif",
  });
}

function unwritable(path: string, message: string): UserError {
  return new UserError({ code: "scan/bad-output", message, where: path, fix: "name another file" });
}
