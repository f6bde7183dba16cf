/** A server of a test's own that keeps what it is asked, and answers with JSON. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface JsonRequest {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

export class JsonServer implements AsyncDisposable {
  readonly requests: JsonRequest[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param answer status and body */
  static async start(answer: (request: JsonRequest) => readonly [number, object]): Promise<JsonServer> {
    const server = createServer(async (incoming, response) => {
      const request = await readRequest(incoming);
      started.requests.push(request);
      const [status, body] = answer(request);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
    const started = new JsonServer(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return started;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function readRequest(incoming: IncomingMessage): Promise<JsonRequest> {
  let body = "";
  for await (const chunk of incoming) body += chunk;
  return { path: incoming.url!, authorization: incoming.headers.authorization, body };
}
