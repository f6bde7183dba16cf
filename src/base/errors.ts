/**
 * The one error a user should ever see. Everything else that is thrown is a bug of ours, and the CLI says so.
 * A message states what happened; `where` names the file, line or recipe key; `fix` says what to do about it.
 */
export interface UserErrorParts {
  /** Stable identifier, e.g. `recipe/unknown-key`; never shown alone. */
  readonly code: string;
  readonly message: string;
  readonly where?: string | undefined;
  readonly fix?: string | undefined;
  readonly cause?: unknown;
}

export class UserError extends Error {
  readonly code: string;
  readonly where: string | undefined;
  readonly fix: string | undefined;

  constructor(parts: UserErrorParts) {
    super(parts.message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = "UserError";
    this.code = parts.code;
    this.where = parts.where;
    this.fix = parts.fix;
  }

  /** `message · where · fix`, as one line for logs and `--json`. */
  describe(): string {
    return [this.message, this.where, this.fix].filter((part) => part !== undefined).join(" · ");
  }
}

/** Several mistakes of one input (a recipe, a file), reported together. */
export class UserErrors extends UserError {
  readonly errors: readonly UserError[];

  constructor(code: string, message: string, errors: readonly UserError[]) {
    super({ code, message });
    this.name = "UserErrors";
    this.errors = errors;
  }

  override describe(): string {
    return [this.message, ...this.errors.map((error) => `  ${error.describe()}`)].join("\n");
  }
}

/** Narrow an unknown thrown value to a message, for `cause` texts. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
