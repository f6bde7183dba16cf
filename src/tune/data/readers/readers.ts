import type { Reader } from "../reader.ts";
import { csv } from "./csv.ts";
import { json } from "./json.ts";
import { jsonl } from "./jsonl.ts";
import { labelStudio } from "./label-studio.ts";
import { parquet } from "./parquet.ts";
import { text } from "./text.ts";

/** Every format, in the order in which they are asked whether a file is theirs: the most particular first. */
export const readers: readonly Reader[] = [parquet, jsonl, labelStudio, json, csv, text];
