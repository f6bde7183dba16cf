/** Contestant: Fettle's exact scores of all labels. */
import { openDevice } from "../../src/engine/open-device.ts";
import { openModel } from "../../src/model/families/model.ts";
import { LabelScorer } from "../../src/tune/score/label-scorer.ts";
import type { ScoreJob } from "../harness/jobs.ts";
import { readJob, serve } from "./serve.ts";

const job = readJob<ScoreJob>();
const { device } = await openDevice({ threads: job.threads, precision: job.precision });
const model = openModel(job.model, device, { format: { kind: device.precision } });
const scorer = new LabelScorer(model.decoder);
await serve(device.description, job.batches, (prompts) => {
  scorer.score(
    prompts.map((prompt) =>
      job.labels.map((label) => ({ ids: Int32Array.from([...prompt, ...label]), begin: prompt.length })),
    ),
  );
  return undefined;
});
