import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ProtoMessage } from "../protobuf.ts";
import { crc32c } from "./crc32c.ts";
import { restartEvent, scalarsEvent, textEvent, versionEvent } from "./events.ts";
import { framedRecord } from "./records.ts";

const time = 1_700_000_000_250;
const hex = (event: ProtoMessage): string => framedRecord(event.encode()).toString("hex");

/** Written by `tensorboard.summary.writer.record_writer.RecordWriter` of tensorboard 2.21.0. */
describe("event files have the bytes of TensorBoard's own writer", () => {
  test("the beginning of a file", () => {
    const expected = "1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9";
    assert.equal(hex(versionEvent(time)), expected);
  });

  test("a run that goes on from an earlier step", () => {
    const expected = "100000000000000095fbfe180900001040fc54d94110ac023a0208016b3b88f1";
    assert.equal(hex(restartEvent(time, 300)), expected);
  });

  test("numbers of a step", () => {
    const values = { "train/loss": 0.25, "train/tokens": 1e6 };
    const expected =
      "3500000000000000d6c55de60900001040fc54d94110142a280a110a0a747261696e2f6c6f7373150000803e" +
      "0a130a0c747261696e2f746f6b656e731500247449d32fe0f3";
    assert.equal(hex(scalarsEvent({ kind: "step", step: 20, time, values })), expected);
  });

  test("text", () => {
    const expected =
      "36000000000000004f578cef0900001040fc54d94110012a290a270a06636f6e6669674213080712041202080142097c2061207c2062207c" +
      "4a080a060a047465787460a4d886";
    assert.equal(hex(textEvent(time, 1, "config", "| a | b |")), expected);
  });
});

test("checksums of RFC 3720, appendix B.4", () => {
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(255)), 0x62a8ab43);
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
});
