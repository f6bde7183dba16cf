import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { threadId } from "node:worker_threads";
import { type Squared, start } from "../../../tests/helpers/square-job.ts";
import { UserError } from "../errors.ts";
import { JobThread } from "./job-thread.ts";
import { runJobs } from "./run-jobs.ts";

const module = new URL("../../../tests/helpers/square-job.js", import.meta.url);

describe("jobs in threads", () => {
  test("outputs come in the order of inputs, from this thread and then from others too", async () => {
    const setup = { refused: -5 };
    const seen = new Set<number>();
    const inputs = function* (): Generator<number> {
      // Until both other threads have started, however long that takes.
      for (let i = 0; seen.size < 3; i++) yield i;
    };
    const outputs: Squared[] = [];
    for await (const output of runJobs({ here: start(setup), module, setup }, inputs(), 2)) {
      outputs.push(output);
      seen.add(output.thread);
    }
    assert.equal(outputs[0]!.thread, threadId);
    assert.deepEqual(
      Array.from(outputs, ({ square }) => square),
      Array.from(outputs, (_, i) => i * i),
    );
  });

  test("one thread is this one", async () => {
    const threads = new Set<number>();
    for await (const { thread } of runJobs({ here: start({ refused: -5 }), module, setup: {} }, [1, 2, 3], 1))
      threads.add(thread);
    assert.deepEqual([...threads], [threadId]);
  });

  test("an error for users arrives whole, when it is the turn of its input", async () => {
    const thread = new JobThread<object, number, Squared>(module, { refused: 2 });
    try {
      const [first, refused, after] = [thread.run(1), thread.run(2), thread.run(3)];
      assert.equal((await first).square, 1);
      await assert.rejects(refused, (error) => {
        assert.ok(error instanceof UserError);
        const { code, message, where, fix } = error;
        assert.deepEqual(
          { code, message, where, fix },
          { code: "test/refused", message: "refused", where: "f:2", fix: "go" },
        );
        return true;
      });
      assert.equal((await after).square, 9);
      assert.notEqual((await after).thread, threadId);
    } finally {
      await thread.end();
    }
    const done: number[] = [];
    const setup = { refused: 2 };
    const run = async (): Promise<void> => {
      for await (const { square } of runJobs({ here: start(setup), module, setup }, [0, 1, 2, 3], 2)) done.push(square);
    };
    await assert.rejects(run, { code: "test/refused" });
    assert.deepEqual(done, [0, 1]);
  });

  test("a bug in a thread, and a thread that ends, are errors and no waiting for ever", async () => {
    const thread = new JobThread<object, number, Squared>(module, { refused: 2 });
    await assert.rejects(thread.run(-1), /in a thread: RangeError: a bug/);
    await assert.rejects(thread.run(-2), /ended by itself/);
    await assert.rejects(thread.run(1), /ended by itself/);
    await thread.end();
  });
});
