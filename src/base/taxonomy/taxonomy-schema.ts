/** What a taxonomy file says, before its checks are flattened into rules of each class. */
import { z } from "zod";
import { SEVERITIES, type Severity } from "./taxonomy.ts";

/** Rules of several tools that find the same thing; keys besides `name` and `title` are tools. */
export type TaxonomyCheck = { readonly name: string; readonly title: string } & Readonly<
  Record<string, string | readonly string[]>
>;

export interface TaxonomyFile {
  readonly version: 1;
  readonly sources: readonly { readonly tool: string }[];
  readonly classes: readonly {
    readonly name: string;
    readonly title: string;
    readonly description: string;
    readonly why: string;
    readonly fix: string;
    readonly severity: Severity;
    readonly absence?: boolean | undefined;
    readonly cwe: readonly string[];
    readonly checks: readonly TaxonomyCheck[];
  }[];
  readonly left_out: { readonly reason: string; readonly checks: readonly TaxonomyCheck[] };
}

const name: z.ZodString = z.string().regex(/^[a-z][a-z\d-]*$/, "expected lower-case words joined by -");
const sentence: z.ZodString = z.string().min(1).max(500);
const check: z.ZodType<TaxonomyCheck> = z
  .object({ name, title: sentence })
  .catchall(z.array(z.string().min(1).max(200)).min(1));

export const taxonomySchema: z.ZodType<TaxonomyFile> = z.strictObject({
  version: z.literal(1),
  sources: z
    .array(
      z.strictObject({
        tool: name,
        repository: sentence.optional(),
        commit: sentence.optional(),
        copy: sentence.optional(),
        licence: sentence.optional(),
      }),
    )
    .default([]),
  classes: z
    .array(
      z.strictObject({
        // A class is a label of the model, so any text that can be one.
        name: z.string().min(1).max(200),
        title: sentence,
        description: sentence,
        why: sentence,
        fix: sentence,
        severity: z.enum(SEVERITIES),
        absence: z.boolean().optional(),
        cwe: z.array(z.string().regex(/^CWE-\d+$/, "expected a number such as CWE-250")).default([]),
        checks: z.array(check).default([]),
      }),
    )
    .min(1),
  left_out: z.strictObject({ reason: sentence, checks: z.array(check) }).default({ reason: "", checks: [] }),
});

/** Names of the options at a place, for suggestions. */
export function taxonomyKeys(path: readonly PropertyKey[]): readonly string[] {
  switch (path[0]) {
    case undefined:
      return ["version", "sources", "classes", "left_out"];
    case "sources":
      return ["tool", "repository", "commit", "copy", "licence"];
    case "left_out":
      return ["reason", "checks"];
    default:
      return ["name", "title", "description", "why", "fix", "severity", "absence", "cwe", "checks"];
  }
}
