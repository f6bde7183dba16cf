/** Contestant: optimizer steps of Fettle. */
import { openDevice } from "../../src/engine/open-device.ts";
import type { TrainJob } from "../harness/jobs.ts";
import { readJob, serve } from "./serve.ts";
import { BenchTrainee, examplesOf } from "./trainee.ts";

const job = readJob<TrainJob>();
const { device } = await openDevice({ threads: job.threads, precision: job.precision });
const trainee = new BenchTrainee(device, job);
await serve(device.description, examplesOf(job), (batch) => trainee.step(batch));
