/** `.fettle.yaml`, which comes with the tree that is scanned, and is trusted as little as the tree. */
import { lstatSync } from "node:fs";
import { dirname, join } from "node:path";
import { UserError, UserErrors } from "../../../base/errors.ts";
import { describeIssue } from "../../../base/recipe/issues.ts";
import { byPlace } from "../../../base/recipe/load.ts";
import { RecipeSource } from "../../../base/recipe/source.ts";
import type { Severity } from "../../../base/taxonomy/taxonomy.ts";
import { readTextFile } from "../../../model/files/json-file.ts";
import type { OutputFile } from "../outputs.ts";
import { insideOf } from "./inside.ts";
import { type FailOn, type ScanConfigFile, scanConfigJsonSchema, scanConfigSchema } from "./scan-config-schema.ts";

export const CONFIG_NAME = ".fettle.yaml";

const MAX_BYTES = 256 * 1024;

/** Checked, with absolute paths. */
export interface ScanConfig {
  /** Absolute. */
  readonly path: string;
  readonly model?: string | undefined;
  readonly files?: readonly string[] | undefined;
  readonly exclude: readonly string[];
  readonly failOn?: FailOn | undefined;
  readonly outputs: readonly OutputFile[];
  readonly baseline?: string | undefined;
  readonly severities: Readonly<Record<string, Severity>>;
  readonly thresholds: Readonly<Record<string, number>>;
  /** `file:line:column` of an option, for errors that are found later. */
  readonly where: (path: readonly PropertyKey[]) => string;
}

/**
 * The nearest one from a scan's root up to the root of its repository.
 * @param top root of the repository, or the scan's where there is none
 * @throws UserErrors with every mistake in it
 */
export function findScanConfig(root: string, top: string): ScanConfig | undefined {
  for (let folder = root; ; folder = dirname(folder)) {
    const path = join(folder, CONFIG_NAME);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isFile()) return loadScanConfig(path);
    if (stat !== undefined) throw notAFile(path);
    if (folder === top || folder === dirname(folder)) return undefined;
  }
}

function loadScanConfig(path: string): ScanConfig {
  const source = RecipeSource.parse(readTextFile(path, MAX_BYTES), path, "configuration");
  const data = source.toData();
  const parsed = scanConfigSchema.safeParse(data);
  const mistakes = parsed.success
    ? []
    : parsed.error.issues.flatMap((issue) => describeIssue(issue, data, source, scanConfigJsonSchema));
  const errors = [...mistakes.map(asOurs), ...outsidePaths(data, dirname(path), source)];
  if (!parsed.success || errors.length > 0)
    throw new UserErrors("scan/bad-config", `${path} cannot be used`, errors.sort(byPlace));
  const { model, files, exclude, fail_on: failOn, outputs, baseline, severity: severities, thresholds } = parsed.data;
  const absolute = (each: string): string => join(dirname(path), each);
  return {
    ...{ path, files, exclude, failOn, severities, thresholds },
    model: model && absolute(model),
    baseline: baseline && absolute(baseline),
    outputs: outputs.map(({ format, output }) => ({ format, path: absolute(output) })),
    where: (option) => source.where(option),
  };
}

/** Errors of paths that lead out of the tree, wherever the file has texts for them. */
function outsidePaths(data: Partial<ScanConfigFile>, folder: string, source: RecipeSource): readonly UserError[] {
  const outputs = Array.isArray(data.outputs) ? data.outputs : [];
  const paths: readonly (readonly [readonly PropertyKey[], unknown])[] = [
    [["model"], data.model],
    [["baseline"], data.baseline],
    ...outputs.map((one, i) => [["outputs", i, "output"], one?.output] as const),
  ];
  return paths.flatMap(([option, path]) => {
    const place = typeof path === "string" ? insideOf(folder, path) : { path: "" };
    if (!("refused" in place)) return [];
    return new UserError({
      code: "scan/config-path",
      message: `a path in ${CONFIG_NAME} stays in the tree: ${place.refused}`,
      where: source.where(option),
      fix: "give it on the command line, which may name any path",
    });
  });
}

function asOurs({ code, message, where, fix }: UserError): UserError {
  return new UserError({ code: code.replace("recipe/", "scan/config-"), message, where, fix });
}

function notAFile(path: string): UserError {
  return new UserError({
    code: "scan/bad-config",
    message: "it is not a file",
    where: path,
    fix: "write it in its place, not as a link; or scan with --no-config",
  });
}
