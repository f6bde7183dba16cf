import { UserError } from "../../../base/errors.ts";
import { suggestName } from "../../../base/names.ts";
import type { ScanFormat } from "./format.ts";
import { github } from "./github.ts";
import { gitlab } from "./gitlab.ts";
import { json } from "./json.ts";
import { junit } from "./junit.ts";
import { markdown } from "./markdown.ts";
import { githubSarif, sarif } from "./sarif.ts";
import { table } from "./table.ts";

/** Every way to write down what a scan found. */
export const scanFormats: readonly ScanFormat[] = [table, json, sarif, githubSarif, junit, github, gitlab, markdown];

/** @throws UserError with the nearest name */
export function findFormat(name: string, where?: string): ScanFormat {
  const format = scanFormats.find((one) => one.name === name);
  if (format !== undefined) return format;
  const names = scanFormats.map((one) => one.name);
  throw new UserError({
    code: "scan/unknown-format",
    message: `there is no format "${name}"`,
    where,
    fix: suggestName(name, names),
  });
}
