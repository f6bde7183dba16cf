/** Messages of event files: tensorboard/compat/proto/event.proto and summary.proto. */
import { ProtoMessage } from "../protobuf.ts";
import type { Point } from "../tracker.ts";

/** What an event file begins with. */
export function versionEvent(time: number): ProtoMessage {
  return new ProtoMessage().double(1, time / 1000).bytes(3, "brain.Event:2");
}

/** Tells readers to forget what earlier files have of this step and later ones. */
export function restartEvent(time: number, step: number): ProtoMessage {
  return new ProtoMessage()
    .double(1, time / 1000)
    .integer(2, step)
    .bytes(7, new ProtoMessage().integer(1, 1));
}

export function scalarsEvent({ time, step, values }: Point): ProtoMessage {
  const summary = new ProtoMessage();
  for (const [tag, value] of Object.entries(values)) {
    summary.bytes(1, new ProtoMessage().bytes(1, tag).float(2, value));
  }
  return summaryEvent(time, step, summary);
}

/** Shown as Markdown. */
export function textEvent(time: number, step: number, tag: string, text: string): ProtoMessage {
  const plugin = new ProtoMessage().bytes(1, new ProtoMessage().bytes(1, "text"));
  const shape = new ProtoMessage().bytes(2, new ProtoMessage().integer(1, 1));
  const tensor = new ProtoMessage().integer(1, 7).bytes(2, shape).bytes(8, text);
  const value = new ProtoMessage().bytes(1, tag).bytes(8, tensor).bytes(9, plugin);
  return summaryEvent(time, step, new ProtoMessage().bytes(1, value));
}

function summaryEvent(time: number, step: number, summary: ProtoMessage): ProtoMessage {
  return new ProtoMessage()
    .double(1, time / 1000)
    .integer(2, step)
    .bytes(5, summary);
}
