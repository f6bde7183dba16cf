/** Processes of a job find each other, and nobody else gets in between. Both ends are in this process: each has a thread. */
import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../../base/free-port.ts";
import { packageVersion } from "../../../base/package-root.ts";
import { frameHeader, frameKind } from "./frames.ts";
import { greetingOf } from "./greeting.ts";
import { Link } from "./link.ts";
import type { LinkLimits } from "./link-messages.ts";
import type { ProcessPlace } from "./process-place.ts";

const limits: LinkLimits = { join: 20_000, alive: 50, silence: 20_000, end: 600_000 };

function place(rank: number, port: number, size = 2, job = "job"): ProcessPlace {
  const local = { localRank: rank, localSize: size, launcher: "test", mpi: false };
  return { rank, size, ...local, address: "127.0.0.1", port, job };
}

/** Says something to whoever listens there, once somebody does, and waits until the other side has had enough. */
async function stranger(port: number, bytes: Uint8Array): Promise<void> {
  for (let heard = false; !heard; await sleep(20)) {
    heard = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: "127.0.0.1", port }, () => socket.write(bytes));
      socket.resume();
      socket.on("error", (error) => resolve(!error.message.includes("ECONNREFUSED")));
      socket.on("close", () => resolve(true));
    });
  }
}

function frame(kind: (typeof frameKind)[keyof typeof frameKind], value: object): Uint8Array {
  const payload = Buffer.from(JSON.stringify(value));
  return Buffer.concat([frameHeader(kind, 0, payload.length), payload]);
}

function codeOf(body: () => void): string {
  try {
    body();
  } catch (error) {
    return (error as { readonly code: string }).code;
  }
  return "none";
}

/** Until a link's thread has seen that the others are gone. */
async function failureOf(link: Link): Promise<string> {
  for (let i = 0; i < 500; i++) {
    const code = codeOf(() => link.check());
    if (code !== "none") return code;
    await sleep(10);
  }
  return "none";
}

describe("processes of a job", () => {
  test("meet on the first free port, whoever else knocks, and pass values of any size", async () => {
    const port = await freePort();
    // Another program has the port itself, and answers nothing.
    const squatter = createServer(() => {});
    await new Promise<void>((resolve) => squatter.listen(port, "127.0.0.1", resolve));
    const first = Link.open(place(0, port), undefined, limits);
    const other = greetingOf(place(1, port, 2, "another job"), packageVersion);
    await stranger(port + 1, Buffer.from("GET / HTTP/1.1\r\n\r\n"));
    await stranger(port + 1, frameHeader(frameKind.hello, 0, 2 ** 31));
    await stranger(port + 1, frame(frameKind.hello, other));
    await stranger(port + 1, frame(frameKind.data, { rank: 1 }));
    const [root, leaf] = await Promise.all([first, Link.open(place(1, port), undefined, limits)]);
    const large = new Uint8Array(5_000_001).map((_, i) => i * 7);
    leaf.gatherBytes(large);
    leaf.gatherBytes(new Uint8Array(0));
    assert.deepEqual(root.gatherBytes(Uint8Array.of(1)), [Uint8Array.of(1), large]);
    assert.equal(root.gatherBytes(new Uint8Array(0))![1]!.length, 0);
    root.share({ name: "plan", steps: [1, 2.5], missing: undefined });
    assert.deepEqual(leaf.share(undefined), { name: "plan", steps: [1, 2.5], missing: undefined });
    leaf.close();
    root.close();
    squatter.close();
  });

  test("a process that fails is told of by rank 0, and the others are silent", async () => {
    const port = await freePort();
    const links = await Promise.all([0, 1, 2].map((rank) => Link.open(place(rank, port, 3), undefined, limits)));
    assert.equal(links[2]!.fail(new Error("out of luck")), true);
    assert.equal(await failureOf(links[0]!), "bug");
    assert.throws(() => links[0]!.check(), /on rank 2 .*out of luck/s);
    await failureOf(links[1]!);
    assert.throws(() => links[1]!.check(), { silent: true });
    for (const link of links) link.close();
  });

  test("one that falls silent is lost, and so is one that never comes", async () => {
    const port = await freePort();
    const opening = Link.open(place(0, port), undefined, { ...limits, silence: 400 });
    void stranger(port, frame(frameKind.hello, greetingOf(place(1, port), packageVersion)));
    const root = await opening;
    assert.equal(await failureOf(root), "processes/lost");
    assert.throws(() => root.check(), /rank 1 of 2 .* is gone: it was not heard of for 0\.4 s/);
    root.close();
    const alone = Link.open(place(0, await freePort()), undefined, { ...limits, join: 300 });
    await assert.rejects(alone, { code: "processes/missing" });
  });

  test("another version, another number of processes and a rank that is taken are refused on both sides", async () => {
    for (const [change, message] of [
      [{ version: "0.0.1" }, /is Fettle 0\.0\.1/],
      [{ size: 5 }, /one of 5 processes, rank 0 one of 3/],
      [{ rank: 7 }, /there is no rank 7/],
    ] as const) {
      const port = await freePort();
      const root = Link.open(place(0, port, 3), undefined, limits);
      root.catch(() => {});
      const greeting = { ...greetingOf(place(1, port, 3), packageVersion), ...change };
      await stranger(port, frame(frameKind.hello, greeting));
      await assert.rejects(root, message);
    }
  });
});
