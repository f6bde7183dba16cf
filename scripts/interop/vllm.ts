/** The check of adapters for vLLM: what it passes is PEFT's to the byte, what vLLM refuses is refused with its key. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportModel } from "../../src/app/api/export.ts";
import { UserErrors } from "../../src/base/errors.ts";
import { plainLora } from "../../tests/helpers/lora-config.ts";
import type { Comparison } from "./lib/comparison.ts";
import { makeAdapter } from "./lib/made-adapters.ts";
import { fixtureModel } from "./lib/made-models.ts";

/** Keys of adapter_config.json that vLLM looks at, and what it refuses. */
const refused: Readonly<Record<string, unknown>> = {
  r: 513,
  use_dora: true,
  bias: "lora_only",
  lora_bias: true,
  modules_to_save: ["lm_head"],
  init_lora_weights: "pissa",
  layer_replication: [[0, 2]],
};

export async function compare(): Promise<readonly Comparison[]> {
  const scratch = mkdtempSync(join(tmpdir(), "fettle-interop-vllm-"));
  try {
    const base = fixtureModel("qwen2", scratch);
    const rows: Comparison[] = [];
    for (const [r, least] of [
      [4, 8],
      [8, 8],
      [17, 32],
      [300, 320],
    ] as const) {
      const adapter = join(scratch, `rank-${r}`);
      makeAdapter(base, { ...plainLora, r }, adapter);
      const output = `${adapter}-exported`;
      const { usage } = await exportModel(adapter, { format: "vllm", output, base });
      const isSame = ["adapter_config.json", "adapter_model.safetensors"].every((name) =>
        readFileSync(join(adapter, name)).equals(readFileSync(join(output, name))),
      );
      const ok = isSame && usage.includes(`--max-lora-rank ${least} `);
      rows.push({ what: `vLLM's check: rank ${r} passes`, result: `as it was, --max-lora-rank ${least}`, ok });
    }
    for (const [key, value] of Object.entries(refused)) rows.push(await refusal(base, key, value, scratch));
    return rows;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

async function refusal(base: string, key: string, value: unknown, scratch: string): Promise<Comparison> {
  const adapter = join(scratch, `refused-${key}`);
  makeAdapter(base, plainLora, adapter);
  const path = join(adapter, "adapter_config.json");
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), [key]: value }));
  const what = `vLLM's check: ${key} ${JSON.stringify(value)} is refused`;
  try {
    await exportModel(adapter, { format: "vllm", output: `${adapter}-exported`, base });
  } catch (error) {
    const isNamed = error instanceof UserErrors && error.errors.some(({ where }) => where === key);
    return { what, result: error instanceof UserErrors ? error.errors[0]!.message : String(error), ok: isNamed };
  }
  return { what, result: "it passed", ok: false };
}
