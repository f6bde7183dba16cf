import { z } from "zod";
import type { JsonObject } from "../../../model/files/json-file.ts";
import { type Fields, parseRequest, type RequestForm } from "./parse-request.ts";
import { harmlessFields } from "./sampling-fields.ts";

export interface ClassifyRequest {
  readonly model: string;
  /** Texts, or rows as they stand in a data file: their fields by name. */
  readonly input: string | readonly string[] | readonly JsonObject[];
}

const fields: Fields<ClassifyRequest> = {
  model: z.string(),
  input: z.union([z.string(), z.array(z.string()).min(1), z.array(z.record(z.string(), z.json())).min(1)], {
    error: "must be a text, a list of texts, or a list of rows (objects)",
  }),
};

const form: RequestForm<ClassifyRequest> = { fields, harmless: harmlessFields, refused: {} };

/** @throws ApiError that names what is wrong */
export function parseClassifyRequest(body: unknown): ClassifyRequest {
  return parseRequest(form, body);
}
