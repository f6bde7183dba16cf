import { codeUnits } from "./code-units.ts";
import { dockerfileUnits } from "./dockerfile-units.ts";
import { linesOf, type TextUnits } from "./text-units.ts";

/** Instructions of a Dockerfile, by its content; statements of anything else. */
export function unitsOf(text: string): TextUnits {
  return isDockerfile(text) ? dockerfileUnits(text) : codeUnits(text);
}

/** Only ARG may stand before FROM, which has the form of no statement of another language: `from a import b` is Python. */
function isDockerfile(text: string): boolean {
  for (const line of linesOf(text)) {
    if (/^\s*(#|$|ARG\s)/i.test(line)) continue;
    return /^\s*FROM\s+(--\S+\s+)*[^\s;]+(\s+AS\s+\S+)?\s*$/i.test(line);
  }
  return false;
}
