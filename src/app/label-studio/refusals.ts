/** What the refusals of a Label Studio server mean, and what to do about them. */
import { messageOf, UserError } from "../../base/errors.ts";
import type { ServerAccess } from "./server-access.ts";

/** Why another try may help. `busy`: the server did nothing. `expired`: it does not take the token. */
export interface RetryLater {
  readonly kind: "busy" | "failed" | "unreachable" | "expired";
  /** To throw when no other try is left. */
  readonly error: UserError;
  /** What the server asked to wait, in ms. */
  readonly wait: number | undefined;
}

const MAX_WAIT = 60_000;
const LONGEST_QUOTE = 300;

/** Undefined for an answer that stands. */
export function retryOf(response: Response, text: string, access: ServerAccess): RetryLater | undefined {
  const { status, headers } = response;
  if (status === 401) return { kind: "expired", error: badKey(text, access), wait: undefined };
  if (status !== 429 && status < 500) return undefined;
  const seconds = Number(headers.get("retry-after"));
  const error = new UserError({
    code: "label-studio/unavailable",
    message: `the Label Studio server answered ${status}${status === 429 ? ": too many requests" : `: ${quoted(text)}`}`,
    where: access.url,
    fix: "try again later: what was done already is not done twice",
  });
  const wait = seconds > 0 ? Math.min(1000 * seconds, MAX_WAIT) : undefined;
  return { kind: status === 429 || status === 503 ? "busy" : "failed", error, wait };
}

/** The error for an answer that is no success. */
export function refusalOf(response: Response, text: string, path: string, access: ServerAccess): UserError {
  const { status, headers } = response;
  if (status >= 300 && status < 400) {
    const target = headers.get("location") ?? "";
    const place = URL.canParse(target, access.url) ? new URL(target, access.url) : undefined;
    if (place?.pathname.startsWith("/user/login")) return badKey(text, access);
    return badAnswer(access, `it sends us to ${place?.origin ?? "another place"}`);
  }
  const project = /[/=](\d+)/.exec(path)?.[1];
  if (status === 404 && project !== undefined && isJson(text)) {
    return new UserError({
      code: "label-studio/no-project",
      message: `there is no project ${project} that the key may see`,
      where: access.url,
      fix: "its number is in its address: /projects/NUMBER",
    });
  }
  if (status === 403) {
    return new UserError({
      code: "label-studio/forbidden",
      message: `the key may not do this: ${quoted(text)}`,
      where: access.url,
      fix: "take the key of somebody who may",
    });
  }
  if (!isJson(text)) return badAnswer(access, `${status} and no JSON`);
  return new UserError({
    code: "label-studio/refused",
    message: `the Label Studio server refuses: ${quoted(text)}`,
    where: access.url,
    fix: "look at the project's labelling interface: tasks and labels must fit it",
  });
}

/** What `fetch` throws says next to nothing; its cause does. */
export function unreachable(access: ServerAccess, error: unknown): UserError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const silent = error instanceof Error && error.name === "TimeoutError";
  return new UserError({
    code: "label-studio/unreachable",
    message: silent
      ? "the Label Studio server does not answer"
      : `the Label Studio server cannot be reached: ${messageOf(cause)}`,
    where: access.url,
    fix: "check that it runs, and its address: --url, or LABEL_STUDIO_URL; what was done already is not done twice",
    cause: error,
  });
}

/** An answer that no Label Studio gives. */
export function badAnswer(access: ServerAccess, what: string): UserError {
  return new UserError({
    code: "label-studio/bad-answer",
    message: `the answer is not that of a Label Studio server: ${what}`,
    where: access.url,
    fix: "check the address, with the path that it may have: --url, or LABEL_STUDIO_URL",
  });
}

function badKey(text: string, access: ServerAccess): UserError {
  return new UserError({
    code: "label-studio/bad-key",
    message: `the Label Studio server does not take the key: ${quoted(text)}`,
    where: access.url,
    fix: `copy a token from ${access.url}/user/account, and set LABEL_STUDIO_API_KEY to it; legacy tokens must be allowed in the organization's settings`,
  });
}

/** What the server says, without its ids and versions. */
function quoted(text: string): string {
  const { detail, validation_errors: errors } = parsed(text);
  const said = [detail, errors].filter((part) => part !== undefined && part !== null);
  const whole = said.map((part) => (typeof part === "string" ? part : JSON.stringify(part))).join(": ");
  const shown = whole === "" ? (isJson(text) ? text : "no reason") : whole;
  return shown.length > LONGEST_QUOTE ? `${shown.slice(0, LONGEST_QUOTE)}…` : shown;
}

function parsed(text: string): { readonly detail?: unknown; readonly validation_errors?: unknown } {
  if (!isJson(text)) return {};
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null ? value : {};
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
