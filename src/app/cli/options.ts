/** Readers of option values, for commander: what they refuse is told with the option's name. */
import { InvalidArgumentError } from "commander";
import { UserError } from "../../base/errors.ts";
import { byteCount } from "../../base/recipe/option-kinds.ts";

/** For an option that may be given several times. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** `a,b` and repeated options alike. */
export function collectNames(value: string, before: readonly string[] = []): string[] {
  const names = value.split(",").map((name) => name.trim());
  if (names.includes("")) throw new InvalidArgumentError("Names are separated by single commas.");
  return [...before, ...names];
}

/** A whole number from `least` to `most`. */
export function wholeNumber(least: number, most: number = Number.MAX_SAFE_INTEGER): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= least && number <= most) return number;
    const limit = most < Number.MAX_SAFE_INTEGER ? ` and at most ${most}` : "";
    throw new InvalidArgumentError(`It must be a whole number of at least ${least}${limit}.`);
  };
}

/** A number from `least` to `most`. */
export function numberBetween(least: number, most: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (value.trim() !== "" && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
  };
}

/** A number of bytes, or a size such as 2MiB. */
export function byteSize(value: string): number {
  const { data } = byteCount.safeParse(/^\d+$/.test(value) ? Number(value) : value);
  if (typeof data === "number") return data;
  throw new InvalidArgumentError("It must be a number of bytes, or a size such as 2MiB.");
}

/**
 * The value of an option that a command cannot do without. Commander's own check would come before the one for mistyped
 * options, and hide that `--data` is missing because it was written `--dat`.
 */
export function required<T>(value: T | undefined, option: string): T {
  if (value !== undefined) return value;
  throw new UserError({ code: "cli/missing-option", message: `${option} is missing`, fix: "--help explains it" });
}
