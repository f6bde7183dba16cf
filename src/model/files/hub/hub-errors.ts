/** What the hub's refusals mean, and what to do about them. */
import { messageOf, UserError } from "../../../base/errors.ts";
import { type HubName, placeOf } from "../../../base/hub-name.ts";
import type { HubAccess } from "./hub-access.ts";

/** The transfer failed in a way that another try may mend. */
export class TransferError extends Error {
  /** What the server asked to wait, in ms. */
  readonly wait: number | undefined;

  constructor(message: string, options: { readonly wait?: number | undefined; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = "TransferError";
    this.wait = options.wait;
  }
}

/** The server could not be reached, or broke off too often. */
export function unreachable({ repo, type }: HubName, { endpoint }: HubAccess, error: Error): UserError {
  const here = type === undefined ? "; if a folder is meant, check its path" : "";
  return new UserError({
    code: "hub/unreachable",
    message: `${repo} cannot be fetched: ${error.message}`,
    where: endpoint,
    fix: `check the network, or HF_ENDPOINT for another address, and run the same command again: it goes on where it stopped${here}`,
    cause: error,
  });
}

/** What `fetch` throws says next to nothing; its cause does. */
export function transferErrorOf(error: unknown): TransferError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return new TransferError(messageOf(cause) || "the connection failed", { cause: error });
}

const MAX_RETRY_AFTER = 60_000;

/**
 * The error for an answer that is no success: a TransferError where the server says that later is better.
 * @param file where a file was asked for, not the repository
 */
export function refusalOf(response: Response, name: HubName, access: HubAccess, file?: string): Error {
  const { status, headers } = response;
  if (status === 408 || status === 429 || status >= 500) {
    const seconds = Number(headers.get("retry-after"));
    const wait = seconds > 0 ? Math.min(seconds * 1000, MAX_RETRY_AFTER) : undefined;
    return new TransferError(`the server answered ${status}${status === 429 ? ": too many requests" : ""}`, { wait });
  }
  const parts = partsOf(headers.get("x-error-code") ?? "", headers.get("x-error-message") ?? "", status, name, access);
  return new UserError({ where: file === undefined ? name.repo : `${name.repo}/${file}`, ...parts });
}

function partsOf(
  errorCode: string,
  errorMessage: string,
  status: number,
  name: HubName,
  { endpoint, token }: HubAccess,
): { code: string; message: string; fix: string } {
  const { repo, revision } = name;
  const page = `${endpoint}/${placeOf(name)}`;
  if (errorCode === "GatedRepo") {
    const accept = `accept the ${name.type === undefined ? "licence of the model" : "conditions of the data set"} at ${page}`;
    return {
      code: "hub/gated",
      message:
        token === undefined ? `${repo} is gated, and there is no token` : `${repo} is gated: the token is not let in`,
      fix:
        token === undefined
          ? `${accept}, make a token at ${endpoint}/settings/tokens, and set HF_TOKEN to it`
          : `${accept} with the account of the token, and wait until access is granted; a fine-grained token must be allowed to read gated repositories`,
    };
  }
  if (/invalid.*credentials/i.test(errorMessage) && token !== undefined) {
    return {
      code: "hub/bad-token",
      message: "the hub does not know the token",
      fix: `make a new one at ${endpoint}/settings/tokens, and set HF_TOKEN to it`,
    };
  }
  if (errorCode === "RevisionNotFound") {
    return {
      code: "hub/no-revision",
      message: `${repo} has no branch, tag or commit ${revision}`,
      fix: `${page}/commits shows them; leave @${revision} out for the newest`,
    };
  }
  if (errorCode === "RepoNotFound" || status === 401 || (status === 404 && errorCode !== "EntryNotFound")) {
    const isModel = name.type === undefined;
    const mistyped = isModel
      ? `there is neither a folder ${repo} here nor a model of that name on the hub`
      : `there is no data set ${repo} on the hub`;
    return {
      code: isModel ? "hub/no-model" : "hub/no-dataset",
      message: token === undefined ? `${mistyped}, or it is private` : `${mistyped} that the token may see`,
      fix:
        token === undefined
          ? "check the spelling; for a private one set HF_TOKEN"
          : "check the spelling, and that the token may read it",
    };
  }
  const said = errorMessage.slice(0, 200) || `the server answered ${status}`;
  return {
    code: status === 403 ? "hub/forbidden" : "hub/refused",
    message: `the hub does not hand it out: ${said}`,
    fix: status === 403 ? "check what HF_TOKEN may read" : `look at ${page}`,
  };
}

/** An answer that no hub gives. */
export function badAnswer(name: HubName, access: HubAccess, what: string): UserError {
  return new UserError({
    code: "hub/bad-answer",
    message: `the answer of the hub cannot be used: ${what}`,
    where: `${access.endpoint}/${placeOf(name)}`,
    fix: "check that HF_ENDPOINT is the address of a Hugging Face hub, and that no proxy answers in its place",
  });
}
