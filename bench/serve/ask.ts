import { Agent, request } from "node:http";

export interface Answer {
  /** 0: the connection failed, and `text` says how. */
  readonly status: number;
  readonly text: string;
  readonly milliseconds: number;
}

/** Connections that stay open. */
export function keepAlive(connections: number): Agent {
  return new Agent({ keepAlive: true, maxSockets: connections });
}

export function ask(url: string, body: object, agent: Agent): Promise<Answer> {
  const start = performance.now();
  const bytes = JSON.stringify(body);
  const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(bytes) };
  return new Promise((resolve) => {
    const failed = (error: Error): void =>
      resolve({ status: 0, text: error.message, milliseconds: performance.now() - start });
    const sent = request(url, { method: "POST", agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => {
        resolve({ status: response.statusCode!, text, milliseconds: performance.now() - start });
      });
      response.on("error", failed);
    });
    sent.on("error", failed);
    sent.end(bytes);
  });
}
