/** What is told on a connection whose request cannot be read. */
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { ApiError } from "./api-error.ts";

const answers: Readonly<Record<string, readonly [status: number, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, "the headers are too large"],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "the request took too long to come"],
};

/** Answers, where nothing has been answered yet, and closes the connection. */
export function refuseConnection({ code = "" }: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || socket.bytesWritten > 0 || code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const [status, message] = answers[code] ?? [400, "this is no HTTP request"];
  const body = JSON.stringify(new ApiError({ status, message, code: "bad_request" }).body);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
