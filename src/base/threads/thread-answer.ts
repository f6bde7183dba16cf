import { UserError } from "../errors.ts";

/** What a thread says: first that it is ready, then one answer for each input. */
export type ThreadAnswer<Output = unknown> =
  | { readonly kind: "ready" }
  | { readonly kind: "output"; readonly output: Output }
  | { readonly kind: "refused"; readonly error: RefusedInput }
  | { readonly kind: "failed"; readonly stack: string };

/** A UserError as it travels between threads, which know no classes. */
export interface RefusedInput {
  readonly code: string;
  readonly message: string;
  readonly where: string | undefined;
  readonly fix: string | undefined;
}

export function answerOfError(error: unknown): ThreadAnswer<never> {
  if (error instanceof UserError) {
    const { code, message, where, fix } = error;
    return { kind: "refused", error: { code, message, where, fix } };
  }
  return { kind: "failed", stack: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** The output, or the error that the thread had. */
export function outputOf<Output>(answer: Exclude<ThreadAnswer<Output>, { kind: "ready" }>): Output {
  if (answer.kind === "output") return answer.output;
  if (answer.kind === "refused") throw new UserError(answer.error);
  throw new Error(`in a thread: ${answer.stack}`);
}
