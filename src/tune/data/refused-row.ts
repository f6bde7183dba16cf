import { UserError } from "../../base/errors.ts";
import type { Problems } from "./problems.ts";

/**
 * What became of a row whose encoding threw: skipped and counted where the chat template refuses it, otherwise the error
 * again, with the row's place.
 * @throws UserError naming the row; anything else as it is
 */
export function refusedRow(error: unknown, where: string, problems: Problems): undefined {
  if (!(error instanceof UserError)) throw error;
  if (error.code !== "chat/template") {
    throw new UserError({ code: error.code, message: error.message, where, fix: error.fix, cause: error });
  }
  problems.skip(where, "the chat template refuses the conversation", error.message);
  return undefined;
}
