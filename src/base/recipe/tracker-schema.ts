/** Options of what else a run is told to while it trains. */
import { z } from "zod";
import { path } from "./option-kinds.ts";
import type { MlflowOptions, TensorBoardOptions, TrackerOptions } from "./recipe.ts";

const tensorboard: z.ZodType<TensorBoardOptions> = z.strictObject({
  folder: path
    .nullable()
    .default(null)
    .describe(
      "Folder, relative to the working directory, in which the run gets one of its own; null is tensorboard in the run folder.",
    ),
});

const mlflow: z.ZodType<MlflowOptions> = z.strictObject({
  uri: z
    .string()
    .regex(
      /^https?:\/\/[^\s@?#]+$/,
      "expected an address such as http://127.0.0.1:5000, without a name or password in it",
    )
    .describe("Address of the server; who one is comes from MLFLOW_TRACKING_TOKEN, or _USERNAME and _PASSWORD."),
  experiment: z.string().min(1).default("Default").describe("Experiment that the run is in; made if it is not there."),
});

export const trackers: z.ZodType<TrackerOptions> = z.strictObject({
  tensorboard: tensorboard.optional().describe("Event files for TensorBoard; tensorboard: {} takes the defaults."),
  mlflow: mlflow.optional().describe("A run on an MLflow server."),
});
