/** What several options are: counts, paths, shares, sizes. */
import { z } from "zod";
import type { Paths } from "./recipe.ts";

export const count: z.ZodInt = z.int().min(1);
export const path: z.ZodString = z.string().min(1);
export const pathsShape: z.ZodType<Paths> = z.union([path, z.array(path).min(1)], {
  error: "expected a path or a list of paths",
});
export const unitInterval: z.ZodNumber = z.number().min(0).max(1);

const byteUnits: Readonly<Record<string, number>> = {
  ...{ B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 },
  ...{ kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
};

/** A number of bytes, or text such as 20GiB, 1.5 GB. */
export const byteCount: z.ZodType<"auto" | number, "auto" | number | string> = z.union(
  [
    z.literal("auto"),
    count,
    z
      .string()
      .regex(/^\d+(\.\d+)? ?(B|[KMGT]iB|[kKMGT]B)$/)
      .transform((text) => {
        const [, number, unit] = /^([\d.]+) ?(\w+)$/.exec(text)!;
        return Math.floor(Number(number) * byteUnits[unit!]!);
      }),
  ],
  { error: "expected auto, a number of bytes, or a size such as 20GiB" },
);
