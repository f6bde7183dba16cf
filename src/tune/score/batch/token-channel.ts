import type { GeneratedToken, Generation } from "../generation-request.ts";

interface Reader {
  readonly resolve: (result: IteratorResult<GeneratedToken, undefined>) => void;
  readonly reject: (reason: unknown) => void;
}

/** Tokens on their way from the engine to whoever asked; what is not yet read waits. */
export class TokenChannel implements Generation {
  cachedTokens = 0;
  readonly #onLeave: () => void;
  readonly #tokens: GeneratedToken[] = [];
  readonly #readers: Reader[] = [];
  #over = false;
  #failure: { readonly reason: unknown } | undefined;

  /** @param onLeave called once, when it is over for whatever reason */
  constructor(onLeave: () => void) {
    this.#onLeave = onLeave;
  }

  push(token: GeneratedToken): void {
    const reader = this.#readers.shift();
    if (reader) reader.resolve({ value: token, done: false });
    else this.#tokens.push(token);
  }

  end(): void {
    if (!this.#close()) return;
    for (const { resolve } of this.#readers.splice(0)) resolve({ value: undefined, done: true });
  }

  /** Whoever reads on gets the reason, once what came before is read. */
  fail(reason: unknown): void {
    if (!this.#close()) return;
    const [first, ...rest] = this.#readers.splice(0);
    if (first) first.reject(reason);
    else this.#failure = { reason };
    for (const { resolve } of rest) resolve({ value: undefined, done: true });
  }

  next(): Promise<IteratorResult<GeneratedToken, undefined>> {
    const value = this.#tokens.shift();
    if (value) return Promise.resolve({ value, done: false });
    if (this.#failure) {
      const { reason } = this.#failure;
      this.#failure = undefined;
      return Promise.reject(reason);
    }
    if (this.#over) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<GeneratedToken, undefined>> {
    this.#tokens.length = 0;
    this.#failure = undefined;
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Whether it was open. */
  #close(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#onLeave();
    return true;
  }
}
