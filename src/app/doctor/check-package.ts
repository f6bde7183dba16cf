/** What should lie in the installed package. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { packageRoot, packageVersion } from "../../base/package-root.ts";
import type { Check } from "./check.ts";

const parts: readonly (readonly [path: string, use: string])[] = [
  ["models/fettle-nano/model.safetensors", "the bundled model, for quickstart"],
  ["examples/ag-news/train.jsonl", "the rows that quickstart learns from"],
  ["examples/ag-news/test.jsonl", "the rows that quickstart scores"],
  ["recipes/quickstart.yaml", "quickstart's recipe"],
  ["src/engine/device/cpu/gemm.c", "the C kernels' sources, for device cpu"],
];

export function checkPackage(): Check {
  const missing = parts.filter(([path]) => !existsSync(join(packageRoot, path)));
  const found = `Fettle ${packageVersion} in ${packageRoot}`;
  if (missing.length === 0) return { name: "package", status: "ok", found };
  return {
    name: "package",
    status: "warning",
    found: `${found}; without ${missing.map(([path, use]) => `${path} (${use})`).join(", ")}`,
    fix: "install it again",
  };
}
