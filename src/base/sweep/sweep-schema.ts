/** What a sweep file says: a recipe, and what of it takes several values. */
import { z } from "zod";

/** Options of a recipe, by their whole names. */
export type Settings = Readonly<Record<string, unknown>>;

export interface SweepFile {
  readonly recipe: string;
  readonly output: string;
  readonly metric: string | null;
  readonly set: Settings;
  /** Option -> its values, or name -> its variants. */
  readonly grid: Readonly<Record<string, readonly unknown[] | Readonly<Record<string, Settings>>>>;
  readonly include: readonly Settings[];
  readonly exclude: readonly Settings[];
}

const option: z.ZodString = z.string().min(1);
const settings: z.ZodType<Settings> = z.record(option, z.unknown());
const values: z.ZodType<readonly unknown[]> = z.array(z.unknown()).min(1, "expected at least one value");
const variants: z.ZodType<Readonly<Record<string, Settings>>> = z
  .record(z.string().min(1), settings)
  .refine((named) => Object.keys(named).length > 0, "expected at least one variant");

export const sweepSchema: z.ZodType<SweepFile> = z.strictObject({
  recipe: z.string().min(1).describe("The recipe, relative to the sweep file."),
  output: z.string().min(1).default("auto").describe("Folder of the runs; auto is runs/<name of the sweep file>."),
  metric: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe("What the best run is chosen by, on validation rows; null: macro_f1, or loss without labels."),
  set: settings.default({}).describe("Options laid over the recipe for all runs."),
  grid: z
    .record(
      option,
      z.union([values, variants], { error: "expected a list of values, or a map of named variants to their options" }),
    )
    .default({})
    .describe("Option -> its values; or a name -> its variants, each with the options that it sets."),
  include: z.array(settings).default([]).describe("Runs beside the grid."),
  exclude: z.array(settings).default([]).describe("Combinations of the grid that are left out."),
});

/** Names of a sweep file's options. */
export const sweepKeys: readonly (keyof SweepFile)[] = [
  ...(["recipe", "output", "metric", "set", "grid", "include", "exclude"] as const),
];
