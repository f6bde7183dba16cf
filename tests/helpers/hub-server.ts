/**
 * A Hugging Face hub in small: the requests that clients make for a model or data set, answered as huggingface.co does, with every
 * trouble on the way that a network can make. Large files are redirected to a second server, as to the hub's CDN.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface HubModel {
  readonly commit: string;
  /** Branches and tags besides `main`. */
  readonly revisions?: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Names of files that are kept in LFS, by their sha256. */
  readonly large?: readonly string[];
  readonly gated?: boolean;
  /** Branches with a commit and files of their own. */
  readonly branches?: Readonly<Record<string, HubModel>>;
}

/** What goes wrong; set and changed by a test. */
export interface Trouble {
  /** Bytes of a file's body after which the connection is cut, each time. */
  cutAfter?: number;
  /** Ranges are not understood: the whole file is sent. */
  noRanges?: boolean;
  /** Content of a file in place of its own. */
  swap?: Readonly<Record<string, Uint8Array>>;
  /** Answers with this status, as many times. */
  status?: { code: number; times: number };
  /** In place of the listing. */
  listing?: unknown;
  /** The listing never ends: every page names a next one. */
  endless?: boolean;
}

export interface HubRequest {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly token: string | undefined;
  readonly server: "hub" | "cdn";
}

/** The token that gated models are handed out for. */
export const goodToken = "hf_good";

export class HubServer implements AsyncDisposable {
  readonly models: Record<string, HubModel> = {};
  readonly datasets: Record<string, HubModel> = {};
  readonly requests: HubRequest[] = [];
  trouble: Trouble = {};
  readonly #hub: Server;
  readonly #cdn: Server;
  /** What the CDN has, by sha256. */
  readonly #blobs = new Map<string, Uint8Array>();

  private constructor() {
    this.#hub = createServer((request, response) => this.#answer(request, response));
    this.#cdn = createServer((request, response) => this.#answerBlob(request, response));
  }

  static async start(): Promise<HubServer> {
    const server = new HubServer();
    await new Promise<void>((resolve) => server.#hub.listen(0, "127.0.0.1", resolve));
    // By another name: clients go by it whether they are still at the hub.
    await new Promise<void>((resolve) => server.#cdn.listen(0, "localhost", resolve));
    return server;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${portOf(this.#hub)}`;
  }

  /** What was asked of files, as `NAME` or `NAME from BYTE`, in order. */
  get downloads(): string[] {
    const files = this.requests.filter(({ method, path }) => method === "GET" && path.includes("/resolve/"));
    return files.map(({ path, range }) => {
      const name = path.slice(path.lastIndexOf("/") + 1);
      return range === undefined ? name : `${name} from ${/\d+/.exec(range)![0]}`;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of [this.#hub, this.#cdn]) {
      one.closeAllConnections();
      await new Promise((resolve) => one.close(resolve));
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.#note(request, "hub");
    const { status } = this.trouble;
    const path = decodeURIComponent(new URL(request.url!, this.endpoint).pathname);
    const [, apiKind, apiRepo, what, apiRevision] =
      /^\/api\/(models|datasets)\/([^/]+\/[^/]+)(?:\/(revision|tree)\/(.+))?$/.exec(path) ?? [];
    const [, fileKind, fileRepo, fileRevision, file] =
      /^\/(?:(datasets)\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path) ?? [];
    const repo = apiRepo ?? fileRepo ?? "";
    const revision = apiRevision ?? fileRevision ?? "main";
    const known = ((apiKind ?? fileKind) === "datasets" ? this.datasets : this.models)[repo];
    const branches = Object.entries(known?.branches ?? {});
    const branch = branches.find(([name, { commit }]) => revision === name || revision === commit);
    const model = branch === undefined ? known : { ...branch[1], revisions: { [branch[0]]: branch[1].commit } };
    const { authorization } = request.headers;
    if (status && status.times > 0) {
      status.times--;
      response.writeHead(status.code).end();
    } else if (model === undefined) {
      // The hub does not tell strangers what there is not from what they may not see.
      refuse(response, 401, "RepoNotFound", "Invalid username or password.");
    } else if (!["main", "HEAD", model.commit].includes(revision) && model.revisions?.[revision] !== model.commit) {
      refuse(response, 404, "RevisionNotFound", `Invalid rev id: ${revision}`);
    } else if (what === "tree") {
      this.#list(response, model, request.url!);
    } else if (apiRepo !== undefined) {
      json(response, { _id: "1", id: repo, sha: model.commit, gated: model.gated ? "auto" : false });
    } else if (model.gated && authorization !== `Bearer ${goodToken}`) {
      refuse(response, authorization ? 403 : 401, "GatedRepo", `Access to ${repo} is restricted.`);
    } else {
      this.#resolve(request, response, model, file!);
    }
  }

  #list(response: ServerResponse, model: HubModel, url: string): void {
    const entries = Object.entries(model.files).map(([path, content]) => ({
      type: "file",
      path,
      size: content.length,
      oid: gitSha1(content),
      ...(model.large?.includes(path) && { lfs: { oid: sha256(content), size: content.length, pointerSize: 134 } }),
    }));
    if (this.trouble.endless) response.setHeader("Link", `<${this.endpoint}${url}&cursor=next>; rel="next"`);
    json(response, this.trouble.listing ?? entries);
  }

  #resolve(request: IncomingMessage, response: ServerResponse, model: HubModel, name: string): void {
    const content = model.files[name];
    response.setHeader("X-Repo-Commit", model.commit);
    if (content === undefined) {
      refuse(response, 404, "EntryNotFound", "Entry not found");
    } else if (model.large?.includes(name)) {
      const digest = sha256(content);
      this.#blobs.set(digest, this.trouble.swap?.[name] ?? content);
      const headers = { "X-Linked-Etag": `"${digest}"`, "X-Linked-Size": content.length };
      response.writeHead(302, { ...headers, Location: `http://localhost:${portOf(this.#cdn)}/${digest}` }).end();
    } else {
      response.setHeader("ETag", `"${gitSha1(content)}"`);
      this.#send(request, response, this.trouble.swap?.[name] ?? content);
    }
  }

  #answerBlob(request: IncomingMessage, response: ServerResponse): void {
    this.#note(request, "cdn");
    this.#send(request, response, this.#blobs.get(request.url!.slice(1))!);
  }

  #send(request: IncomingMessage, response: ServerResponse, content: Uint8Array): void {
    const { cutAfter, noRanges } = this.trouble;
    const start = noRanges ? 0 : Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    if (start > 0 && start >= content.length) {
      response.writeHead(416, { "Content-Range": `bytes */${content.length}` }).end();
      return;
    }
    response.setHeader("Accept-Ranges", "bytes");
    response.setHeader("Content-Length", content.length - start);
    if (start > 0) response.setHeader("Content-Range", `bytes ${start}-${content.length - 1}/${content.length}`);
    response.writeHead(start > 0 ? 206 : 200);
    if (request.method === "HEAD") {
      response.end();
    } else if (cutAfter === undefined || cutAfter >= content.length - start) {
      response.end(content.subarray(start));
    } else {
      response.write(content.subarray(start, start + cutAfter), () => response.destroy());
    }
  }

  #note({ method, url, headers }: IncomingMessage, server: "hub" | "cdn"): void {
    const { range, authorization } = headers;
    this.requests.push({ method: method!, path: url!, range, token: authorization?.replace("Bearer ", ""), server });
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(value));
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, {
    "X-Error-Code": code,
    "X-Error-Message": message,
    "Content-Type": "application/json",
  });
  response.end(JSON.stringify({ error: message }));
}

export function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** What git calls a blob. */
export function gitSha1(content: Uint8Array): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}
