import { runInNewContext } from "node:vm";
import { messageOf, UserError } from "../../base/errors.ts";

/** Long enough for any sane expression; stops one that backtracks without end. */
const REGEX_TIMEOUT_MS = 1000;

/**
 * `[p for p in paths if re.fullmatch(expression, p)]`, in a context of its own because only that can be timed out.
 * @param where the key that holds the expression, for the error.
 * @throws UserError when JavaScript cannot express it, or it takes too long.
 */
export function fullMatches(paths: readonly string[], expression: string, where: string): string[] {
  const { source, flags } = fromPythonRegex(expression);
  try {
    new RegExp(source, flags);
    return runInNewContext(
      "paths.filter((path) => new RegExp(source, flags).test(path))",
      { paths, source: `^(?:${source})$`, flags },
      { timeout: REGEX_TIMEOUT_MS },
    ) as string[];
  } catch (error) {
    throw new UserError({
      code: "adapter/bad-regex",
      message: `the expression ${JSON.stringify(expression)} cannot be used: ${messageOf(error)}`,
      where,
      fix: 'use a list of names, e.g. ["q_proj", "v_proj"]',
    });
  }
}

/** What Python spells differently: named groups, anchors, and flags in front. */
function fromPythonRegex(expression: string): { source: string; flags: string } {
  const leading = /^\(\?([aimsux]+)\)/.exec(expression);
  const flags = [...(leading?.[1] ?? "")].filter((flag) => "ims".includes(flag)).join("");
  const source = expression
    .slice(leading?.[0].length ?? 0)
    .replace(/\(\?P<(\w+)>/g, "(?<$1>")
    .replace(/\(\?P=(\w+)\)/g, "\\k<$1>")
    .replace(/\\A/g, "^")
    .replace(/\\Z/g, "$");
  return { source, flags };
}
