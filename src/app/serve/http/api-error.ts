/** What a client is told of what went wrong, in the form that OpenAI's clients read. */
import { messageOf, UserError } from "../../../base/errors.ts";

export interface ApiErrorParts {
  /** HTTP status. */
  readonly status: number;
  readonly message: string;
  /** Name of the field of the request that is wrong. */
  readonly param?: string | undefined;
  /** Stable identifier, such as `context_length_exceeded`. */
  readonly code?: string | undefined;
  /** Seconds after which the request may succeed. */
  readonly retryAfter?: number | undefined;
  /** The connection cannot be used for another request. */
  readonly closes?: boolean | undefined;
}

export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

export class ApiError extends Error {
  readonly status: number;
  readonly retryAfter: number | undefined;
  readonly closes: boolean;
  readonly body: ErrorBody;

  constructor({ status, message, param, code, retryAfter, closes = false }: ApiErrorParts) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.retryAfter = retryAfter;
    this.closes = closes;
    this.body = { error: { message, type: typeOf(status), param: param ?? null, code: code ?? null } };
  }
}

/** A field of the request that cannot be as it is. */
export function invalid(param: string, message: string, code = "invalid_value"): ApiError {
  return new ApiError({ status: 400, message, param, code });
}

/** Codes of errors that are not the client's: the device has no room, or the model's numbers are none. */
const serverCodes = /^(cuda|device|compile|cpu)\/|out-of-memory|not-a-number/;

/** What is told of anything that was thrown: of a bug of ours, no more than that it is one. */
export function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (!(error instanceof UserError)) {
    return new ApiError({
      status: 500,
      message: "the server made a mistake; its log says more",
      code: "internal_error",
    });
  }
  const message = [messageOf(error), error.fix].filter((part) => part !== undefined).join("; ");
  if (serverCodes.test(error.code)) return new ApiError({ status: 503, message, code: error.code });
  const code = error.code === "generate/prompt-too-long" ? "context_length_exceeded" : error.code;
  const param = code.startsWith("constraint/") ? "response_format" : undefined;
  return new ApiError({ status: 400, message, code, param });
}

function typeOf(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 404) return "not_found_error";
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}
