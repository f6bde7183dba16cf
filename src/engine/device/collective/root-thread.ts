/** The connections of rank 0: to all others. */
import { createServer, type Server } from "node:net";
import { Connection, jsonOf } from "./connection.ts";
import { frameKind } from "./frames.ts";
import { type Greeting, greetingOf, portsOf, readGreeting } from "./greeting.ts";
import type { Failure, LinkThreadData } from "./link-messages.ts";
import type { ThreadSide } from "./thread-side.ts";

interface Peer extends Greeting {
  readonly connection: Connection;
  /** It said goodbye: that it closes its connection is in order. */
  leaving: boolean;
}

export function startRoot({ place, version, limits }: LinkThreadData, side: ThreadSide): void {
  const own = greetingOf(place, version);
  const peers = new Map<number, Peer>();
  const strangers = new Set<Connection>();
  let over = false;

  const fail = (failure: Failure, except?: Peer): void => {
    if (over) return;
    over = true;
    server.close();
    for (const peer of peers.values()) {
      if (peer !== except) peer.connection.sendJson(frameKind.lost, { ...failure, silent: true });
    }
    side.fail(failure);
  };
  const lose = ({ rank, host, pid }: Greeting, reason: string): void =>
    fail({
      code: "processes/lost",
      message: `rank ${rank} of ${place.size} (process ${pid} on ${host}) is gone: ${reason}`,
      fix: "see what it said last, or whether the system ended it for want of memory; --resume goes on from the last checkpoint, with any number of processes",
    });

  const welcome = (greeting: Greeting, connection: Connection): Peer | undefined => {
    const refusal = refusalOf(greeting, own, peers);
    if (refusal !== undefined) {
      connection.sendJson(frameKind.refused, { message: refusal }, () => connection.end());
      // Of two processes of a rank, neither is known to be the right one.
      fail({ code: "processes/mismatch", message: refusal, fix: "start all processes by the same command" });
      return undefined;
    }
    connection.trust();
    const peer: Peer = { ...greeting, connection, leaving: false };
    peers.set(greeting.rank, peer);
    connection.send(frameKind.welcome);
    if (peers.size === place.size - 1) {
      clearTimeout(patience);
      server.close();
      for (const one of strangers) one.drop();
      side.post({ kind: "joined" });
    }
    return peer;
  };

  const server = createServer((socket) => {
    let peer: Peer | undefined;
    const connection = new Connection(socket, {
      onFrame: (frame) => {
        if (peer === undefined) {
          strangers.delete(connection);
          const greeting = frame.kind === frameKind.hello ? readGreeting(jsonOf(frame), own) : undefined;
          if (greeting === undefined || over) connection.drop();
          else peer = welcome(greeting, connection);
          return;
        }
        const { rank } = peer;
        if (frame.kind === frameKind.data) {
          side.post({ kind: "data", rank, number: frame.number, payload: frame.payload }, [frame.payload.buffer]);
        } else if (frame.kind === frameKind.failed) {
          const { message, ...rest } = jsonOf(frame) as unknown as Failure;
          connection.sendJson(frameKind.lost, { message, code: "processes/ended", silent: true });
          fail({ ...rest, message: `on rank ${rank} (${peer.host}): ${message}` }, peer);
        } else if (frame.kind === frameKind.goodbye) peer.leaving = true;
      },
      onEnd: (reason) => {
        strangers.delete(connection);
        if (peer !== undefined && !peer.leaving) lose(peer, reason);
      },
    });
    strangers.add(connection);
    // More than could be ours are not kept waiting for their greeting.
    if (strangers.size > 4 * place.size + 16) for (const one of strangers) one.drop();
  });

  const patience = setTimeout(() => {
    const missing = Array.from({ length: place.size - 1 }, (_, i) => i + 1).filter((rank) => !peers.has(rank));
    fail({
      code: "processes/missing",
      message: `of ${place.size} processes, rank ${missing.join(", ")} did not come within ${limits.join / 1000} s`,
      where: `${place.address}:${place.port}`,
      fix: "see that all were started, and reach MASTER_ADDR on the ports from MASTER_PORT on",
    });
  }, limits.join);
  listen(server, portsOf(place), isLoopback(place.address) ? place.address : undefined, (error) =>
    fail({
      code: "processes/no-port",
      message: `rank 0 cannot listen for the other processes: ${error.message}`,
      where: `${place.address}:${place.port}`,
      fix: "set MASTER_PORT to another port",
    }),
  );

  side.followParent(() =>
    fail({
      code: "processes/lost",
      message: "the process that started these is gone",
      fix: "--resume goes on from the last checkpoint",
    }),
  );
  const pulse = setInterval(() => {
    const now = performance.now();
    for (const peer of peers.values()) {
      peer.connection.send(frameKind.alive);
      if (now - peer.connection.heard > limits.silence && !peer.leaving) {
        lose(peer, `it was not heard of for ${limits.silence / 1000} s`);
      }
    }
  }, limits.alive);

  side.onRequest({
    send: (number, payload) => {
      for (const { connection } of peers.values()) connection.send(frameKind.data, payload, number);
    },
    fail: (failure) => {
      fail({ ...failure, silent: true });
      // What was sent leaves first.
      for (const { connection } of peers.values()) connection.end();
      side.post({ kind: "told", told: false });
    },
    close: () => {
      over = true;
      clearTimeout(patience);
      clearInterval(pulse);
      server.close();
      for (const { connection } of peers.values()) {
        connection.send(frameKind.goodbye);
        connection.end();
      }
      side.post({ kind: "closed" });
    },
  });
}

/** Why a process of the job cannot be one of these, for people. */
function refusalOf(
  { rank, size, version, host }: Greeting,
  own: Greeting,
  peers: ReadonlyMap<number, Peer>,
): string | undefined {
  if (version !== own.version) return `rank ${rank} on ${host} is Fettle ${version}, rank 0 is ${own.version}`;
  if (size !== own.size) return `rank ${rank} on ${host} is one of ${size} processes, rank 0 one of ${own.size}`;
  if (rank < 1 || rank >= size) return `there is no rank ${rank} among ${size} processes`;
  const other = peers.get(rank);
  if (other === undefined) return undefined;
  return `two processes are rank ${rank}: ${other.pid} on ${other.host} and another on ${host}`;
}

/** On the first port that is free. */
function listen(
  server: Server,
  [port, ...others]: readonly number[],
  host: string | undefined,
  onFailure: (error: Error) => void,
): void {
  server.once("error", (error) => {
    if (others.length === 0) onFailure(error);
    else listen(server, others, host, onFailure);
  });
  server.listen({ port, host });
}

function isLoopback(address: string): boolean {
  return address === "localhost" || address === "::1" || address.startsWith("127.");
}
