/** The rows of a set as tokens, a batch at a time: what threads do in encoding. */
import type { TransferListItem } from "node:worker_threads";
import type { Job, JobModule } from "../../base/threads/job.ts";
import { BatchRows } from "./batch-rows.ts";
import type { ConversationEncoder } from "./conversation-encoder.ts";
import { Dataset } from "./dataset.ts";
import { type EncodeOptions, encodeRow } from "./encode-row.ts";
import { type EncoderOrigin, encoderFrom } from "./encoder-origin.ts";
import { Labels } from "./labels.ts";
import type { EncodedExample } from "./pack.ts";
import { type ProblemGroup, Problems } from "./problems.ts";
import type { Shape } from "./shape.ts";
import type { RowBatch } from "./store/row-batch.ts";

/** What all batches of a set have in common. */
export interface EncodeTask {
  readonly name: string;
  readonly shape: Shape;
  readonly labels: readonly string[] | undefined;
  readonly asked: readonly string[] | undefined;
  readonly files: readonly string[];
  readonly options: EncodeOptions;
}

export interface EncodeSetup {
  readonly task: EncodeTask;
  readonly encoder: EncoderOrigin;
}

/** Examples of a batch, one after the other; rows that were skipped are not among them. */
export interface EncodedBatch {
  readonly ids: Int32Array;
  readonly supervised: Uint8Array;
  /** Where each example ends in `ids`. */
  readonly ends: Uint32Array;
  /** Index in the batch of each example's row. */
  readonly rows: Uint32Array;
  /** In the order in which they were met. */
  readonly problems: readonly ProblemGroup[];
}

export function encodeTaskOf({ name, shape, labels, asked, files }: Dataset, options: EncodeOptions): EncodeTask {
  const { maxLength, cutField, tooLong } = options;
  const own = { maxLength, cutField, tooLong };
  return { name, shape, labels: labels?.names, asked: asked?.names, files, options: own };
}

/** @throws UserError (the job) naming the first row that cannot be encoded */
export function encodeJob(
  { name, shape, labels, asked = [], files, options }: EncodeTask,
  encoder: ConversationEncoder,
): Job<RowBatch, EncodedBatch> {
  const known = labels && Labels.declared(labels);
  return (batch) => {
    const problems = new Problems();
    const dataset = new Dataset(name, shape, known, new BatchRows(batch, files, asked), new Problems());
    const examples: EncodedExample[] = [];
    const rows: number[] = [];
    for (let i = 0; i < dataset.length; i++) {
      const example = encodeRow(dataset, i, encoder, options, problems);
      if (example === undefined) continue;
      examples.push(example);
      rows.push(i);
    }
    return { ...joined(examples), rows: Uint32Array.from(rows), problems: problems.inOrder() };
  };
}

export const start: JobModule<EncodeSetup, RowBatch, EncodedBatch>["start"] = ({ task, encoder }) =>
  encodeJob(task, encoderFrom(encoder));

export function handedOver({ ids, supervised }: EncodedBatch): readonly TransferListItem[] {
  return [ids.buffer, supervised.buffer] as ArrayBuffer[];
}

function joined(examples: readonly EncodedExample[]): Pick<EncodedBatch, "ids" | "supervised" | "ends"> {
  const length = examples.reduce((sum, { ids }) => sum + ids.length, 0);
  const ids = new Int32Array(length);
  const supervised = new Uint8Array(length);
  const ends = new Uint32Array(examples.length);
  let end = 0;
  for (const [i, example] of examples.entries()) {
    ids.set(example.ids, end);
    supervised.set(example.supervised, end);
    end += example.ids.length;
    ends[i] = end;
  }
  return { ids, supervised, ends };
}
