/** Options of what else a run is told to while it trains. */
import { z } from "zod";
import { path } from "./option-kinds.ts";
import type { TensorBoardOptions, TrackerOptions } from "./recipe.ts";

const tensorboard: z.ZodType<TensorBoardOptions> = z.strictObject({
  folder: path
    .nullable()
    .default(null)
    .describe(
      "Folder, relative to the working directory, in which the run gets one of its own; null is tensorboard in the run folder.",
    ),
});

export const trackers: z.ZodType<TrackerOptions> = z.strictObject({
  tensorboard: tensorboard.optional().describe("Event files for TensorBoard; tensorboard: {} takes the defaults."),
});
