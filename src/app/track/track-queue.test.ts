import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { TrackFile } from "./track-file.ts";
import { TrackQueue } from "./track-queue.ts";
import { type Point, Refusal, type TrackedRun, type Tracker } from "./tracker.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-track-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const run: TrackedRun = { folder: scratch, name: "run", config: {}, time: 0, firstStep: 1 };
const outcome = { status: "finished", facts: {} } as const;
const point = (step: number): Point => ({ kind: "step", step, time: step, values: { "train/loss": 1 / step } });

interface Heard {
  readonly steps: number[];
  readonly notes: string[];
  closed: boolean;
}

/** Delivers steps to a tracker that fails with what `fail` returns. */
async function deliver(
  steps: readonly number[],
  fail: (attempt: number) => Error | "hang" | undefined,
  { takesBack = true, resumed = false, most = 100, limit = 10_000 } = {},
): Promise<Heard> {
  const heard: Heard = { steps: [], notes: [], closed: false };
  let attempts = 0;
  const tracker: Tracker = {
    title: "Test",
    takesBack,
    open: async () => ({ kept: { id: "x" }, where: "here" }),
    async write(points) {
      const error = fail(++attempts);
      if (error === "hang") await new Promise(() => {});
      else if (error) throw error;
      heard.steps.push(...points.map(({ step }) => step));
    },
    async close() {
      heard.closed = true;
    },
  };
  const tell = (level: string, message: string): number => heard.notes.push(`${level}: ${message}`);
  const file = new TrackFile(scratch, !resumed, (message) => tell("warning", message));
  const queue = new TrackQueue({ name: "test", tracker, run, file, tell, most });
  for (const step of steps) queue.add(point(step));
  queue.finish(outcome, Date.now() + limit);
  await queue.deliver();
  return heard;
}

describe("a queue of points to a tracker", () => {
  test("delivers in order, and closes", async () => {
    const { steps, notes, closed } = await deliver([1, 2, 3], () => undefined);
    assert.deepEqual([steps, notes, closed], [[1, 2, 3], ["info: Test: here"], true]);
    const kept = JSON.parse(readFileSync(join(scratch, "track.json"), "utf8"));
    assert.deepEqual(kept, { test: { kept: { id: "x" }, sent: { step: 3 } } });
  });

  test("sends again after a failure, with one warning", async () => {
    const { steps, notes, closed } = await deliver([1, 2], (attempt) => (attempt < 3 ? new Error("down") : undefined));
    assert.deepEqual(steps, [1, 2]);
    assert.equal(closed, true);
    assert.equal(notes.filter((note) => note.startsWith("warning")).length, 1);
    assert.match(notes.at(-1)!, /reached again/);
  });

  test("the oldest give way, and are counted", async () => {
    const { steps, notes } = await deliver([1, 2, 3, 4, 5], () => undefined, { most: 2 });
    assert.deepEqual(steps, [4, 5]);
    assert.match(notes.at(-1)!, /not told of 3 points/);
  });

  test("a refusal ends it at once", async () => {
    let asked = 0;
    const { notes } = await deliver([1, 2], () => {
      asked++;
      return new Refusal("the key is wrong");
    });
    assert.equal(asked, 1);
    assert.match(notes.join("\n"), /^warning: Test takes nothing of this run.*the key is wrong$/m);
    assert.match(notes.at(-1)!, /not told of 2 points/);
  });

  test("a tracker that stays down costs no more than the limit, and what it lost is told", async () => {
    const { notes, closed } = await deliver([1, 2], () => new Error("down"), { limit: 100 });
    assert.equal(closed, false);
    assert.equal(notes.filter((note) => note.startsWith("warning")).length, 1);
    assert.match(notes.at(-1)!, /not told of 2 points/);
  });

  test("a tracker that never answers costs no more than the limit either", async () => {
    const keepAlive = setTimeout(() => {}, 60_000);
    const { notes } = await deliver([1, 2, 3], () => "hang", { limit: 100 });
    clearTimeout(keepAlive);
    assert.match(notes.at(-2)!, /^warning: Test cannot be told of this run: it takes too long to answer/);
    assert.match(notes.at(-1)!, /not told of 3 points/);
  });

  test("a resumed run tells no step twice to a tracker that takes nothing back", async () => {
    await deliver([1, 2, 3], () => undefined);
    const { steps, notes } = await deliver([2, 3, 4], () => undefined, { takesBack: false, resumed: true });
    assert.deepEqual(steps, [4]);
    assert.match(notes[0]!, /goes on in here; steps up to 3 were told before/);
    const again = await deliver([3, 4, 5], () => undefined, { resumed: true });
    assert.deepEqual(again.steps, [3, 4, 5]);
  });
});
