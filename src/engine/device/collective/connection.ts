/** A connection to another process: frames out and in, and when it was last heard of. */
import type { Socket } from "node:net";
import { type Frame, type FrameKind, FrameReader, frameHeader, MAX_PAYLOAD } from "./frames.ts";

export interface ConnectionEvents {
  readonly onFrame: (frame: Frame) => void;
  /** Once, whoever ended it. @param reason for people */
  readonly onEnd: (reason: string) => void;
}

/** After so much silence the system itself asks whether the other machine is still there. */
const KEEP_ALIVE_MS = 10_000;

export class Connection {
  heard: number = performance.now();
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  #ended = false;

  constructor(socket: Socket, { onFrame, onEnd }: ConnectionEvents) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const end = (reason: string): void => {
      if (this.#ended) return;
      this.#ended = true;
      socket.destroy();
      onEnd(reason);
    };
    socket.on("data", (chunk) => {
      this.heard = performance.now();
      try {
        for (const frame of this.#reader.push(chunk)) if (!this.#ended) onFrame(frame);
      } catch (error) {
        end((error as Error).message);
      }
    });
    socket.on("error", (error) => end(error.message));
    socket.on("close", () => end("its connection closed"));
  }

  /** From now on frames may be long. */
  trust(): void {
    this.#reader.limit = MAX_PAYLOAD;
  }

  send(kind: FrameKind, payload: Uint8Array = new Uint8Array(0), number = 0, sent: () => void = () => {}): void {
    if (this.#ended) {
      sent();
      return;
    }
    this.#socket.cork();
    this.#socket.write(frameHeader(kind, number, payload.length));
    this.#socket.write(payload, () => sent());
    this.#socket.uncork();
  }

  sendJson(kind: FrameKind, value: object, sent?: () => void): void {
    this.send(kind, Buffer.from(JSON.stringify(value)), 0, sent);
  }

  /** After what was sent has left; the other side sees an end. */
  end(): void {
    this.#ended = true;
    this.#socket.end();
  }

  /** At once. */
  drop(): void {
    this.#ended = true;
    this.#socket.destroy();
  }
}

/** @returns undefined for what is no object */
export function jsonOf({ payload }: Frame): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
