import { parseDocument } from "yaml";
import { UserError } from "../errors.ts";
import { labelOf } from "./labels.ts";
import type { Axis } from "./sweep.ts";

/** An axis from `option=a,b,c`, whose values are read as YAML. @throws UserError */
export function parseGrid(text: string): Axis {
  const where = `--grid ${text.length > 80 ? `${text.slice(0, 80)}…` : text}`;
  const [, option, list] = /^([\w.-]+)=(.+)$/s.exec(text) ?? [];
  const values = option === undefined ? undefined : valuesOf(`[${list}]`);
  if (option === undefined || values === undefined) {
    throw new UserError({
      code: "sweep/grid",
      message: "a --grid is an option, an equals sign and values with commas between them",
      where,
      fix: "write it like --grid lora.r=4,8,16",
    });
  }
  return {
    name: option,
    values: values.map((value) => ({ label: labelOf(value), settings: [{ option, value, where }] })),
  };
}

/** Undefined for what is no YAML, or goes round in circles by an alias. */
function valuesOf(list: string): readonly unknown[] | undefined {
  const document = parseDocument(list, { prettyErrors: false });
  if (document.errors.length > 0) return undefined;
  try {
    return document.toJS({ maxAliasCount: 0 }) as unknown[];
  } catch (error) {
    if (error instanceof ReferenceError) return undefined;
    throw error;
  }
}
