import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import type { ContestantCommand } from "./contestant.ts";
import { race } from "./race.ts";

/** A process that claims each step to take `seconds`, one figure a round. */
function claiming(name: string, loss: number, seconds: readonly number[]): ContestantCommand {
  const script = `
    const say = (value) => console.log(JSON.stringify(value));
    const rounds = ${JSON.stringify(seconds)};
    say({ description: "a test", idleBytes: 1, loss: ${loss} });
    require("node:readline").createInterface({ input: process.stdin })
      .on("line", () => { const s = rounds.shift(); say({ seconds: [s, s, 100 * s] }); })
      .on("close", () => say({ peakBytes: ${name.length} }));`;
  return { name, command: process.execPath, args: ["-e", script], env: {} };
}

const options = { rounds: 3, seconds: 1, batch: 10 };

describe("race", () => {
  test("compares with the faster peer, round by round", async () => {
    const fettle = claiming("ours", 2, [0.1, 0.1, 0.2]);
    const peers = [claiming("slow", 2, [9, 9, 9]), claiming("fast peer", 2.001, [0.4, 0.2, 0.8])];
    const { peer, otherPeers, speedup, memoryRatio } = await race(fettle, peers, options);
    assert.equal(peer?.name, "fast peer");
    assert.deepEqual(peer.examplesPerSecond, { median: 25, least: 12.5, greatest: 50 });
    assert.deepEqual(speedup, { median: 4, least: 2, greatest: 4 });
    assert.equal(memoryRatio, 4 / 9);
    assert.deepEqual(
      otherPeers.map(({ name }) => name),
      ["slow"],
    );
  });

  test("measures Fettle alone where there is no peer", async () => {
    const { fettle, speedup } = await race(claiming("ours", 2, [1, 2, 4]), [], options);
    assert.equal(fettle.examplesPerSecond.median, 5);
    assert.equal(speedup, undefined);
  });

  test("refuses sides that do not compute the same loss", async () => {
    const sides = race(claiming("ours", 2, [1, 1, 1]), [claiming("peer", 2.1, [1, 1, 1])], options);
    await assert.rejects(sides, (error) => error instanceof UserError && error.code === "bench/different-work");
  });

  test("says what a side that failed said", async () => {
    const failing = { ...claiming("peer", 2, []), args: ["-e", "console.error('no such model'); process.exit(3)"] };
    const sides = race(claiming("ours", 2, [1, 1, 1]), [failing], options);
    await assert.rejects(sides, (error) => error instanceof UserError && error.where === "no such model");
    const absent = { ...failing, command: "/no/such/python" };
    await assert.rejects(
      race(absent, [], options),
      (error) => error instanceof UserError && /ENOENT/.test(error.where!),
    );
  });
});
