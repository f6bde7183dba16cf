/** What went wrong, for people and for programs. */
import { messageOf, UserError, UserErrors } from "../../base/errors.ts";
import { packageVersion } from "../../base/package-root.ts";
import { printable } from "./printable.ts";

/** One mistake under `error` of `--json`. */
export interface FailureJson {
  readonly code: string;
  readonly message: string;
  readonly where: string | null;
  readonly fix: string | null;
  /** The single mistakes, when there are several. */
  readonly errors: readonly FailureJson[];
  /** Only for a bug of ours. */
  readonly stack?: string;
}

export function failureJson(error: unknown): FailureJson {
  if (error instanceof UserError) {
    const { code, message, where = null, fix = null } = error;
    return { code, message, where, fix, errors: error instanceof UserErrors ? error.errors.map(failureJson) : [] };
  }
  return { code: "bug", message: messageOf(error), where: null, fix: reportIt, errors: [], stack: stackOf(error) };
}

/** Lines for people: what, where, what to do. */
export function failureText(error: unknown): string {
  if (error instanceof UserError) return printable(userText(error, "error: ", ""));
  return printable(
    [
      `This is a bug in Fettle: ${messageOf(error)}`,
      stackOf(error),
      "",
      `Fettle ${packageVersion}, Node.js ${process.version}, ${process.platform} ${process.arch}: ${process.argv.slice(2).join(" ")}`,
      `What to do: ${reportIt}`,
    ].join("\n"),
  );
}

const reportIt = "report it to Fettle's issue tracker, with these lines and what `fettle doctor --json` prints";

function userText(error: UserError, title: string, indent: string): string {
  const lines = [`${indent}${title}${error.message}`];
  if (error.where !== undefined) lines.push(`${indent}  where: ${error.where}`);
  if (error.fix !== undefined) lines.push(`${indent}  fix: ${error.fix}`);
  if (error instanceof UserErrors) lines.push(...error.errors.map((one) => userText(one, "- ", `${indent}  `)));
  return lines.join("\n");
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? "") : "";
}
