/** HTTP by hand, for what no client sends. */
import { connect, type Socket } from "node:net";

/** What comes back on a connection of its own until it is closed, or `complete` says that it is enough. */
export function exchange(
  port: number,
  send: (socket: Socket) => void,
  complete: (text: string) => boolean = isWhole,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => send(socket));
    socket.setEncoding("utf8");
    socket.on("data", (chunk) => {
      text += chunk;
      if (complete(text)) socket.destroy();
    });
    socket.on("close", () => resolve(text));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") reject(error);
    });
  });
}

/** A request as bytes; its body is JSON unless the headers say otherwise. */
export function request(
  line: string,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array = "",
): Buffer {
  const all: Record<string, string> = {
    Host: "localhost",
    "Content-Type": "application/json",
    "Content-Length": String(Buffer.byteLength(body)),
    ...headers,
  };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${line} HTTP/1.1\r\n${head.join("")}\r\n`), Buffer.from(body)]);
}

export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
}

/** The code of the error in an answer. */
export function codeOf(answer: string): string | undefined {
  return /"code":"([^"]*)"/.exec(answer)?.[1];
}

function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  const length = statusOf(text) === 204 ? 0 : Number(/content-length: (\d+)/i.exec(text)?.[1] ?? Number.NaN);
  return end >= 0 && Buffer.byteLength(text.slice(end + 4)) >= length;
}
