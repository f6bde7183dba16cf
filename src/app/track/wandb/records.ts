/** Records of .wandb files: wandb/proto/wandb_internal.proto. */
import { ProtoMessage } from "../protobuf.ts";
import type { Facts } from "../tracker.ts";

export interface RunRecord {
  readonly id: string;
  readonly entity: string | null;
  readonly project: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly config: Facts;
  /** Milliseconds since 1970. */
  readonly time: number;
}

const KEY = 1;
const NESTED_KEY = 2;

export function headerRecord(producer: string): ProtoMessage {
  const version = new ProtoMessage().bytes(1, producer).bytes(2, "0.40.0");
  return new ProtoMessage().bytes(21, new ProtoMessage().bytes(1, version));
}

export function runRecord({ id, entity, project, name, tags, config, time }: RunRecord): ProtoMessage {
  const run = new ProtoMessage().bytes(1, id);
  if (entity !== null) run.bytes(2, entity);
  run
    .bytes(3, project)
    .bytes(4, items(new ProtoMessage(), 1, KEY, config))
    .bytes(8, name);
  for (const tag of tags) run.bytes(10, tag);
  return new ProtoMessage().bytes(17, run.bytes(17, timestamp(time)));
}

/** @param values with _step, _timestamp and _runtime among them */
export function historyRecord(step: number, values: Facts): ProtoMessage {
  const history = items(new ProtoMessage(), 1, NESTED_KEY, values).bytes(2, new ProtoMessage().integer(1, step));
  return new ProtoMessage().bytes(2, history);
}

export function summaryRecord(values: Facts): ProtoMessage {
  return new ProtoMessage().bytes(3, items(new ProtoMessage(), 1, NESTED_KEY, values));
}

/** How busy the machine is. */
export function statsRecord(time: number, values: Facts): ProtoMessage {
  return new ProtoMessage().bytes(7, items(new ProtoMessage().bytes(2, timestamp(time)), 3, KEY, values));
}

export function exitRecord(code: number, seconds: number): ProtoMessage {
  return new ProtoMessage().bytes(18, new ProtoMessage().integer(1, code).integer(2, seconds));
}

/** With its place in the file, from 1, and the run's id. */
export function numbered(record: ProtoMessage, number: number, id: string): Buffer {
  return record.integer(1, number).bytes(200, new ProtoMessage().bytes(1, id)).encode();
}

function items(message: ProtoMessage, field: number, key: number, values: Facts): ProtoMessage {
  for (const [name, value] of Object.entries(values)) {
    message.bytes(field, new ProtoMessage().bytes(key, name).bytes(16, jsonOf(value)));
  }
  return message;
}

/** As Python's json writes it, with NaN and Infinity. */
function jsonOf(value: Facts[string]): string {
  return typeof value === "number" ? String(value) : JSON.stringify(value);
}

function timestamp(time: number): ProtoMessage {
  return new ProtoMessage().integer(1, Math.floor(time / 1000)).integer(2, Math.round(time % 1000) * 1e6);
}
