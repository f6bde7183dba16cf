/** The connection of a process other than rank 0: to rank 0. */
import { connect } from "node:net";
import { Connection, jsonOf } from "./connection.ts";
import { frameKind } from "./frames.ts";
import { greetingOf, portsOf } from "./greeting.ts";
import type { Failure, LinkThreadData } from "./link-messages.ts";
import type { ThreadSide } from "./thread-side.ts";

/** What listens on a port and does not answer a greeting within this is not rank 0. */
const GREETING_MS = 3000;
/** Between two rounds over the ports. */
const ROUND_MS = 200;
/** For rank 0 to confirm that it knows of a failure. */
const TELL_MS = 5000;

export function startLeaf({ place, version, limits }: LinkThreadData, side: ThreadSide): void {
  const began = performance.now();
  const ports = portsOf(place);
  let root: Connection | undefined;
  let over = false;
  /** Why the processes cannot go on, where that is so. */
  let ended: Failure | undefined;
  let told: ((told: boolean) => void) | undefined;

  const fail = (failure: Failure): void => {
    told?.(failure.silent === true);
    if (over) return;
    over = true;
    ended = failure;
    side.fail(failure);
  };
  const lose = (reason: string): void =>
    fail({
      code: "processes/lost",
      message: `rank 0 of ${place.size} (${place.address}) is gone: ${reason}`,
      fix: "see what it said last, or whether the system ended it for want of memory; --resume goes on from the last checkpoint, with any number of processes",
      // One of those that are left is enough to say it, or who started them.
      silent: place.rank !== 1 || place.launcher === "fettle",
    });

  const join = (attempt: number): void => {
    if (over) return;
    if (performance.now() - began > limits.join) {
      fail({
        code: "processes/missing",
        message: `rank ${place.rank} did not reach rank 0 within ${limits.join / 1000} s`,
        where: `${place.address}:${place.port}`,
        fix: "see that rank 0 was started, and that MASTER_ADDR and MASTER_PORT lead to it from here",
      });
      return;
    }
    const again = (): void => {
      setTimeout(() => join(attempt + 1), (attempt + 1) % ports.length === 0 ? ROUND_MS : 0);
    };
    const socket = connect({ host: place.address, port: ports[attempt % ports.length]! });
    let welcomed = false;
    const patience = setTimeout(() => socket.destroy(new Error("no answer")), GREETING_MS);
    const connection = new Connection(socket, {
      onFrame: (frame) => {
        clearTimeout(patience);
        if (frame.kind === frameKind.welcome) {
          welcomed = true;
          root = connection;
          connection.trust();
          side.post({ kind: "joined" });
        } else if (frame.kind === frameKind.refused) {
          fail({ code: "processes/mismatch", message: String(jsonOf(frame)?.message), silent: true });
        } else if (frame.kind === frameKind.data) {
          side.post({ kind: "data", rank: 0, number: frame.number, payload: frame.payload }, [frame.payload.buffer]);
        } else if (frame.kind === frameKind.lost) fail(jsonOf(frame) as unknown as Failure);
        else if (frame.kind === frameKind.goodbye) over = true;
      },
      onEnd: (reason) => {
        clearTimeout(patience);
        if (welcomed) lose(reason);
        else again();
      },
    });
    connection.sendJson(frameKind.hello, greetingOf(place, version));
  };
  join(0);

  const pulse = setInterval(() => {
    root?.send(frameKind.alive);
    if (root && !over && performance.now() - root.heard > limits.silence) {
      lose(`it was not heard of for ${limits.silence / 1000} s`);
    }
  }, limits.alive);

  side.onRequest({
    send: (number, payload) => root?.send(frameKind.data, payload, number),
    fail: (failure) => {
      const answer = (value: boolean): void => {
        told = undefined;
        side.post({ kind: "told", told: value });
      };
      if (over || root === undefined) {
        answer(ended?.silent === true);
        return;
      }
      const patience = setTimeout(() => answer(false), TELL_MS);
      told = (value) => {
        clearTimeout(patience);
        answer(value);
      };
      root.sendJson(frameKind.failed, failure);
    },
    close: () => {
      over = true;
      clearInterval(pulse);
      root?.send(frameKind.goodbye);
      root?.end();
      side.post({ kind: "closed" });
    },
  });
}
