import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseRecipe } from "./load.ts";
import { resolvedRecipeText } from "./resolved.ts";

const text = `base: /m
method: qlora
lora: {target_modules: [q_proj, v_proj]}
data:
  train: /a.csv
  validation: {fraction: 0.1}
  labels: {"1": World, "2": "no"}
template:
  system: |
    Two classes:
    - World: "all" # not a comment
  user: "{title}: {description}"
  assistant: '{"category":"{label}"}'
  chat_template_kwargs: {enable_thinking: false}
evaluation: {eval_steps: 50, early_stopping: {patience: 2}}
`;

describe("the resolved recipe", () => {
  const loaded = parseRecipe(text, "/r.yaml", { set: ["seed=7"], workingDirectory: "/work" });
  const resolved = resolvedRecipeText(loaded, [
    { path: ["precision"], value: "bf16", reason: "amx_bf16" },
    { path: ["template", "max_length"], value: 512, reason: "max_position_embeddings\nof config.json" },
    { path: ["lora", "target_modules"], value: ["q_proj"], reason: "a list" },
  ]);

  it("says where every option came from that the file does not give", () => {
    assert.match(resolved, /^precision: bf16 # auto: amx_bf16$/m);
    assert.match(resolved, /^ {2}max_length: 512 # auto: max_position_embeddings of config.json$/m);
    assert.match(resolved, /^seed: 7 # --set seed=7$/m);
    assert.match(resolved, /^ {2}learning_rate: 0.0002 # default$/m);
    assert.match(resolved, /^ {2}eval_steps: 50$/m);
    assert.match(resolved, /^ {4}threshold: 0 # default$/m);
  });

  it("loads again to the same options, from any folder", () => {
    const again = parseRecipe(resolved, "/elsewhere/recipe.yaml", { workingDirectory: "/tmp" }).recipe;
    const chosen = {
      ...loaded.recipe,
      precision: "bf16",
      template: { ...loaded.recipe.template, max_length: 512 },
      lora: { ...loaded.recipe.lora!, target_modules: ["q_proj"] },
    };
    assert.deepEqual(again, chosen);
  });
});
