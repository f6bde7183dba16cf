/** Options of what else a run is told to while it trains. */
import { z } from "zod";
import { path } from "./option-kinds.ts";
import type { MlflowOptions, TensorBoardOptions, TrackerOptions, WandbOptions } from "./recipe.ts";

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

const name = z.string().min(1);

const wandb: z.ZodType<WandbOptions> = z.strictObject({
  project: name.default("fettle").describe("Project that the run is in."),
  entity: name.nullable().default(null).describe("User or team that has the project; null is whoever runs wandb sync."),
  name: name.nullable().default(null).describe("What the run is called; null is the name of the run folder."),
  mode: z
    .enum(["offline", "online"])
    .default("offline")
    .describe("offline writes a folder for wandb sync into the run folder; online is not there yet."),
  tags: z.array(name).default([]).describe("Tags of the run."),
});

export const trackers: z.ZodType<TrackerOptions> = z.strictObject({
  tensorboard: tensorboard.optional().describe("Event files for TensorBoard; tensorboard: {} takes the defaults."),
  mlflow: mlflow.optional().describe("A run on an MLflow server."),
  wandb: wandb.optional().describe("A run for Weights & Biases; wandb: {} takes the defaults."),
});
