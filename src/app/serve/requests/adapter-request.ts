import { z } from "zod";
import { type Fields, parseRequest, type RequestForm } from "./parse-request.ts";

export interface AdapterRequest {
  /** What requests will call it. */
  readonly name: string;
  /** A run or adapter folder on the server. */
  readonly path: string;
}

const fields: Fields<AdapterRequest> = {
  name: z.string().regex(/^[\w.:/-]{1,128}$/, "takes letters, digits and . _ - : /"),
  path: z.string().min(1).max(4096),
};

const form: RequestForm<AdapterRequest> = { fields, harmless: [], refused: {} };

/** @throws ApiError that names what is wrong */
export function parseAdapterRequest(body: unknown): AdapterRequest {
  return parseRequest(form, body);
}
