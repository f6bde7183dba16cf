import assert from "node:assert/strict";
import { test } from "node:test";
import { type AdapterConfig, adapterConfigJson } from "./adapter-config.ts";
import { adapterScalings } from "./adapter-scaling.ts";

const modules = ["model.layers.0.q_proj", "model.layers.10.q_proj", "model.layers.0.k_proj"];
const config = adapterConfigJson({
  r: 4,
  lora_alpha: 8,
  rank_pattern: { "layers.0.q_proj": 16, "[qk]_proj": 2 },
  alpha_pattern: { k_proj: 3 },
}) as unknown as AdapterConfig;

test("patterns override rank and alpha, the first that matches counts", () => {
  assert.deepEqual(
    [...adapterScalings(config, modules).values()],
    [
      { rank: 16, alpha: 8, scale: 0.5 },
      { rank: 2, alpha: 8, scale: 4 },
      { rank: 2, alpha: 3, scale: 1.5 },
    ],
  );
  assert.equal(adapterScalings({ ...config, use_rslora: true }, modules).get(modules[0]!)?.scale, 2);
  assert.throws(() => adapterScalings({ ...config, rank_pattern: { "(": 1 } }, modules), { where: "rank_pattern" });
});
