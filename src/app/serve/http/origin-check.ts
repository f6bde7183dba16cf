/**
 * Who a request may come through. A page in a browser on this machine can send requests to loopback addresses: with an
 * `Origin` of its own, or, after its name was made to point here (DNS rebinding), with a `Host` of its own.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { ApiError } from "./api-error.ts";

export interface OriginRules {
  /** Listening on a loopback address alone. */
  readonly loopback: boolean;
  /** Further names under which the server may be called, without a port. */
  readonly hosts: readonly string[];
  /** Origins of pages that may ask, such as `https://app.example.com`. */
  readonly corsOrigins: readonly string[];
}

const loopbackName = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

export function isLoopback(address: string): boolean {
  return loopbackName.test(address) || address === "::1";
}

/** @throws ApiError 403 for a name or an origin that is not among those that may ask */
export function checkOrigin({ headers }: IncomingMessage, { loopback, hosts, corsOrigins }: OriginRules): void {
  const host = (headers.host ?? "").toLowerCase().replace(/:\d+$/, "");
  const named = hosts.includes(host) || loopbackName.test(host);
  if ((loopback || hosts.length > 0) && !named) {
    throw new ApiError({
      status: 403,
      message: "the server is not called by this name; --allow-host names those that it may be called by",
      code: "host_not_allowed",
    });
  }
  const { origin } = headers;
  if (origin === undefined || corsOrigins.includes(origin) || isOwn(origin, headers.host)) return;
  throw new ApiError({
    status: 403,
    message: "pages of this origin may not ask; --cors-origin names those that may",
    code: "origin_not_allowed",
  });
}

/** A page that this server sent: it was called by the name that it is called by now. */
function isOwn(origin: string, host: string | undefined): boolean {
  return host !== undefined && [`http://${host}`, `https://${host}`].includes(origin);
}

/** Lets the page that asked read the answer. The origin has been checked. */
export function allowOrigin({ origin }: IncomingHttpHeaders, response: ServerResponse): void {
  if (origin === undefined) return;
  response.setHeader("Access-Control-Allow-Origin", origin);
  response.setHeader("Access-Control-Expose-Headers", "X-Request-Id, Retry-After");
  response.setHeader("Vary", "Origin");
}

/** What a page asks before it asks. */
export function answerPreflight(response: ServerResponse): void {
  response.setHeader("Access-Control-Allow-Methods", "GET, POST, DELETE");
  response.setHeader("Access-Control-Allow-Headers", "*, Authorization");
  response.setHeader("Access-Control-Max-Age", "600");
  response.writeHead(204).end();
}
