import { availableParallelism } from "node:os";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { suggestName } from "../../base/names.ts";
import { runJobs } from "../../base/threads/run-jobs.ts";
import { batchOf } from "./batch-rows.ts";
import type { ConversationEncoder } from "./conversation-encoder.ts";
import type { Dataset } from "./dataset.ts";
import { type EncodedBatch, type EncodeSetup, encodeJob, encodeTaskOf } from "./encode-job.ts";
import type { EncodeOptions } from "./encode-row.ts";
import { type Beside, EncodedDataset } from "./encoded-dataset.ts";
import { originOf } from "./encoder-origin.ts";
import type { RowMarks } from "./example.ts";
import type { EncodedExample } from "./pack.ts";
import { Problems } from "./problems.ts";
import { documentFields } from "./shape.ts";
import type { RowBatch } from "./store/row-batch.ts";
import type { Scratch } from "./store/scratch-file.ts";

/** Rows that travel together; between two batches there is a look at the clock and at signals. */
const rowsPerBatch = 256;
/** Fewer are done before other threads have read the tokenizer. */
const rowsForThreads = 8192;

/** What encoding may use of the machine; the result is the same. */
export interface EncodeResources {
  /** Default: as many as the machine has. */
  readonly threads?: number | undefined;
  /** Where tokens go that are too many for memory. */
  readonly scratch?: Scratch | undefined;
}

/**
 * Every example of a set as tokens. Those longer than `maxLength` are cut in their document, skipped or refused; the
 * answer is never cut. What was cut or skipped is counted and told through `onEvent`.
 * @param weigh what a row counts
 * @throws UserError naming the row when it has nothing to learn, or is too long and that is refused; and when no row is left
 */
export async function encodeDataset(
  dataset: Dataset,
  encoder: ConversationEncoder,
  options: EncodeOptions & EncodeResources,
  onEvent: EventSink,
  weigh: (marks: RowMarks) => RowWeight = () => ({}),
): Promise<EncodedDataset> {
  requireCutField(dataset, options);
  const problems = new Problems();
  const encodedSet = new EncodedDataset(problems, { scratch: options.scratch, beside: besideOf(dataset, weigh) });
  let done = 0;
  for await (const batch of encodedBatches(dataset, encoder, options)) {
    problems.merge(batch.problems);
    let begin = 0;
    for (const [i, end] of batch.ends.entries()) {
      const [ids, supervised] = [batch.ids.subarray(begin, end), batch.supervised.subarray(begin, end)];
      encodedSet.push({ ids, supervised }, done + batch.rows[i]!);
      begin = end;
    }
    done = Math.min(done + rowsPerBatch, dataset.length);
    onEvent({ kind: "progress", task: `encode ${dataset.name}`, done, total: dataset.length, unit: "examples" });
  }
  for (const line of problems.lines()) onEvent({ kind: "note", level: "warning", message: `${dataset.name}: ${line}` });
  if (encodedSet.length > 0) return encodedSet;
  throw new UserError({
    code: "data/no-examples",
    message: `no example of the ${dataset.name} set fits: ${problems.lines().join("; ")}`,
    fix: "raise template.max_length, or set template.too_long: cut",
  });
}

/** The set's rows as tokens, batch by batch in order. */
function encodedBatches(
  dataset: Dataset,
  encoder: ConversationEncoder,
  { threads = availableParallelism(), ...options }: EncodeOptions & EncodeResources,
): AsyncGenerator<EncodedBatch> {
  const task = encodeTaskOf(dataset, options);
  const origin = originOf(encoder);
  const module = new URL("./encode-job.js", import.meta.url);
  const few = dataset.length < rowsForThreads || origin === undefined;
  return runJobs<EncodeSetup | undefined, RowBatch, EncodedBatch>(
    { here: encodeJob(task, encoder), module, setup: origin && { task, encoder: origin } },
    batchesOf(dataset),
    few ? 1 : threads,
  );
}

function* batchesOf(dataset: Dataset): Generator<RowBatch> {
  for (let first = 0; first < dataset.length; first += rowsPerBatch) {
    yield batchOf(dataset, first, Math.min(first + rowsPerBatch, dataset.length));
  }
}

/** What the targets of a row count; see `EncodedExample`. */
export type RowWeight = Pick<EncodedExample, "weight" | "share">;

/** What the examples of rows have beside their tokens. */
function besideOf(dataset: Dataset, weigh: (marks: RowMarks) => RowWeight): (row: number) => Beside {
  const { forHead } = dataset.shape;
  return (row) => {
    const marks = dataset.marks(row);
    const { label, labels = label === undefined ? [] : [label] } = marks;
    return { ...(forHead && { labels }), ...weigh(marks) };
  };
}

/** @throws UserError when the recipe names a field to cut that is not in the user's message, or also in the answer */
function requireCutField({ shape, name }: Dataset, { cutField, tooLong }: EncodeOptions): void {
  if (cutField === "auto" || tooLong !== "cut" || (shape.kind === "text" && !shape.forHead)) return;
  const fields = shape.kind === "messages" ? [] : documentFields(shape);
  if (fields.includes(cutField)) return;
  throw new UserError({
    code: "data/cut-field",
    message:
      shape.kind === "messages"
        ? `template.cut_field ${cutField}: the ${name} rows hold messages; the longest of the user's is cut`
        : `template.cut_field ${cutField} is no field of the user's message that may be cut`,
    fix: shape.kind === "messages" ? "remove it" : suggestName(cutField, fields),
  });
}
