import { suggestName } from "../../../base/names.ts";
import { ApiError } from "./api-error.ts";
import type { Endpoint } from "./endpoint.ts";
import type { HttpState } from "./http-state.ts";

export interface FoundEndpoint<State extends HttpState> {
  readonly endpoint: Endpoint<State>;
  /** What `*` stands for. */
  readonly rest: string;
}

/** @param path without the query @throws ApiError 404 for a path that is none, 405 for another method */
export function findEndpoint<State extends HttpState>(
  endpoints: readonly Endpoint<State>[],
  method: string,
  path: string,
): FoundEndpoint<State> {
  const there = endpoints.flatMap((endpoint) => {
    const rest = restOf(endpoint.path, path);
    return rest === undefined ? [] : [{ endpoint, rest }];
  });
  const found = there.find(({ endpoint }) => endpoint.method === (method === "HEAD" ? "GET" : method));
  if (found !== undefined) return { ...found, rest: decoded(found.rest) };
  if (there.length > 0) {
    const methods = there.map(({ endpoint }) => endpoint.method).join(", ");
    throw new ApiError({ status: 405, message: `this path takes ${methods}`, code: "method_not_allowed" });
  }
  const paths = endpoints.map((endpoint) => endpoint.path);
  const message = `there is nothing under this path; ${suggestName(path.slice(0, 100), paths)}`;
  throw new ApiError({ status: 404, message, code: "unknown_url" });
}

/** Undefined where the path is another one. */
function restOf(pattern: string, path: string): string | undefined {
  if (!pattern.endsWith("*")) return pattern === path ? "" : undefined;
  const begin = pattern.slice(0, -1);
  return path.startsWith(begin) && path.length > begin.length ? path.slice(begin.length) : undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ApiError({ status: 400, message: "the path has an escape that is none", code: "invalid_url" });
  }
}
