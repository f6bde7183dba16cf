/** Options of what is done to rows between reading and encoding them. */
import { z } from "zod";
import type { LeakageAction, PrepareOptions } from "./recipe.ts";

const leakageAction = (byDefault: LeakageAction, what: string): z.ZodType<LeakageAction> =>
  z
    .enum(["ignore", "report", "drop", "refuse"])
    .default(byDefault)
    .describe(`Rows of one set with ${what} as a row of the set that judges it; drop leaves them out of the former.`);

const leakage: z.ZodType<PrepareOptions["leakage"]> = z.strictObject({
  exact: leakageAction("refuse", "the same text"),
  near: leakageAction("report", "nearly the same text"),
  group: leakageAction("refuse", "a value of a group field"),
});

export const prepare: z.ZodType<PrepareOptions> = z.strictObject({
  exact_duplicates: z
    .enum(["ignore", "report", "drop"])
    .default("report")
    .describe("Training rows that repeat an earlier one, white space apart; drop keeps the first."),
  conflicting_labels: z
    .enum(["ignore", "report", "drop", "refuse"])
    .default("report")
    .describe("Training rows of the same text with different labels; drop leaves out all of them."),
  near_duplicates: z
    .enum(["ignore", "report", "drop"])
    .default("ignore")
    .describe("Training rows nearly the same as an earlier one with the same label; drop keeps the first."),
  near_threshold: z
    .number()
    .min(0.3)
    .max(1)
    .default(0.7)
    .describe("Jaccard similarity, of the texts' runs of three words, from which two texts are nearly the same."),
  group_by: z
    .union([z.literal("auto"), z.array(z.string().min(1))], { error: "expected auto, or a list of fields" })
    .default("auto")
    .describe("Fields whose rows with an equal value stay on one side of a split; auto: repo, commit, group and such."),
  leakage: leakage.prefault({}).describe("What to do about rows that are in two of training, validation and test."),
  balance: z
    .enum(["none", "oversample", "undersample", "square_root"])
    .default("none")
    .describe(
      "Training rows of each label: as many as of the most frequent, as of the rarest, or by the square root of the counts.",
    ),
});
