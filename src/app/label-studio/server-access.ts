import { UserError } from "../../base/errors.ts";
import { labelStudioEnvironment } from "../environment.ts";

/** Where a Label Studio server is, and who asks. */
export interface ServerAccess {
  /** Without a slash at its end. */
  readonly url: string;
  /** A personal access token (a JWT, exchanged for short-lived ones) or a legacy token. Never told or written. */
  readonly apiKey: string;
  /** In ms, between tries of a request that may be repeated; default 1 s, 4 s, 10 s. */
  readonly retryDelays?: readonly number[] | undefined;
  /** In ms, until an answer must be there; default two minutes. */
  readonly timeout?: number | undefined;
}

/**
 * From the command line, otherwise from the environment.
 * @throws UserError when one is missing or cannot be one
 */
export function serverAccess(url: string | undefined, apiKey: string | undefined): ServerAccess {
  const environment = labelStudioEnvironment();
  const address = (url ?? environment.url ?? "http://localhost:8080").replace(/\/+$/, "");
  const key = (apiKey ?? environment.apiKey ?? "").trim();
  const parsed = URL.canParse(address) ? new URL(address) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || parsed.username !== "" || parsed.search !== "") {
    throw new UserError({
      code: "label-studio/bad-url",
      message: "the address of the Label Studio server is none",
      where: url === undefined ? "LABEL_STUDIO_URL" : "--url",
      fix: "give one such as http://localhost:8080, with no name or password in it",
    });
  }
  if (/^[\x21-\x7e]+$/.test(key)) return { url: address, apiKey: key };
  throw new UserError({
    code: "label-studio/no-key",
    message: key === "" ? "there is no key for the Label Studio server" : "the key has characters that no key has",
    where: apiKey === undefined ? "LABEL_STUDIO_API_KEY" : "--api-key",
    fix: `copy a token from ${address}/user/account, and set LABEL_STUDIO_API_KEY to it`,
  });
}

/** Whether the key would go over a network that others can read. */
export function isExposed({ url }: ServerAccess): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}
