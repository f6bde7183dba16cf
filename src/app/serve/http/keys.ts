/** Keys that requests must bring, compared in constant time; none is ever shown. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { UserError } from "../../../base/errors.ts";
import { ApiError } from "./api-error.ts";

/** Shorter ones can be guessed. */
const MIN_LENGTH = 16;

export class Keys {
  readonly #digests: readonly Buffer[];

  /**
   * @param keys printable ASCII, at least 16 characters each
   * @param where that errors name
   * @throws UserError for one that is not
   */
  constructor(keys: readonly string[], where: string) {
    for (const key of keys) {
      if (/^[\x21-\x7e]+$/.test(key) && key.length >= MIN_LENGTH) continue;
      throw new UserError({
        code: "serve/bad-key",
        message: key.length < MIN_LENGTH ? "a key is too short" : "a key has characters that no key has",
        where,
        fix: `a key has at least ${MIN_LENGTH} printable characters and no spaces: openssl rand -hex 24`,
      });
    }
    this.#digests = keys.map(digest);
  }

  get count(): number {
    return this.#digests.length;
  }

  /** All keys are compared, whichever fits: digests have one length, so that time tells nothing of a key. */
  has(key: string): boolean {
    const given = digest(key);
    return this.#digests.reduce((found, known) => timingSafeEqual(known, given) || found, false);
  }
}

/** The key of `Authorization: Bearer KEY`; undefined where there is none. */
export function keyOf({ headers }: IncomingMessage): string | undefined {
  return /^bearer +([\x21-\x7e]+) *$/i.exec(headers.authorization ?? "")?.[1];
}

/** A line each; empty ones and those after # do not count. */
export function keysOfText(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

export function noKey(given: boolean, which: "API" | "admin"): ApiError {
  return new ApiError({
    status: 401,
    message: `${given ? "this is not an" : "this needs an"} ${which} key: set the header Authorization: Bearer KEY`,
    code: given ? "invalid_api_key" : "missing_api_key",
  });
}

function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
