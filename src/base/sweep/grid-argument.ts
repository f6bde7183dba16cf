import { parseDocument } from "yaml";
import { UserError } from "../errors.ts";
import { labelOf } from "./labels.ts";
import type { Axis } from "./sweep.ts";

/** An axis from `option=a,b,c`, whose values are read as YAML. @throws UserError */
export function parseGrid(text: string): Axis {
  const where = `--grid ${text.length > 80 ? `${text.slice(0, 80)}…` : text}`;
  const [, option, list] = /^([\w.-]+)=(.+)$/s.exec(text) ?? [];
  const document = option === undefined ? undefined : parseDocument(`[${list}]`, { prettyErrors: false });
  if (option === undefined || document === undefined || document.errors.length > 0) {
    throw new UserError({
      code: "sweep/grid",
      message: "a --grid is an option, an equals sign and values with commas between them",
      where,
      fix: "write it like --grid lora.r=4,8,16",
    });
  }
  const values = document.toJS() as unknown[];
  return {
    name: option,
    values: values.map((value) => ({ label: labelOf(value), settings: [{ option, value, where }] })),
  };
}
