import assert from "node:assert/strict";
import { test } from "node:test";
import { type ModuleKind, matchTargets, shortestTargets, type TargetSelection } from "./target-modules.ts";

const modules = new Map<string, ModuleKind>([["model.embed_tokens", "other"]]);
for (const layer of [0, 1, 2]) {
  for (const name of ["self_attn.q_proj", "self_attn.v_proj", "attn.c_proj", "mlp.c_proj"]) {
    modules.set(`model.layers.${layer}.${name}`, "linear");
  }
  modules.set(`model.layers.${layer}.norm`, "other");
}
modules.set("lm_head", "head");

/** Short names of what matched: `0.q_proj`. */
function matched(selection: TargetSelection): string[] {
  return matchTargets(modules, selection).map((path) => path.replace(/^model\.layers\.|self_attn\./g, ""));
}

test("a list holds whole paths or endings after a dot", () => {
  assert.deepEqual(matched({ target_modules: ["q_proj"] }), ["0.q_proj", "1.q_proj", "2.q_proj"]);
  assert.deepEqual(matched({ target_modules: ["mlp.c_proj", "layers.1.attn.c_proj"] }), [
    "0.mlp.c_proj",
    "1.attn.c_proj",
    "1.mlp.c_proj",
    "2.mlp.c_proj",
  ]);
  assert.equal(matched({ target_modules: ["c_proj"] }).length, 6);
  assert.deepEqual(matched({ target_modules: ["lm_head"] }), ["lm_head"]);
  assert.deepEqual(matched({ target_modules: ["q_proj", "absent"] }).length, 3);
});

test("a string is a Python expression for the whole path, or all-linear", () => {
  assert.deepEqual(matched({ target_modules: ".*\\.[01]\\..*q_proj" }), ["0.q_proj", "1.q_proj"]);
  assert.deepEqual(matched({ target_modules: "(?i)(?P<m>MODEL)\\.layers\\.2\\.(mlp|x)\\.c_proj\\Z" }), [
    "2.mlp.c_proj",
  ]);
  assert.deepEqual(matched({ target_modules: "a|.*lm_head|b" }), ["lm_head"]);
  assert.equal(matched({ target_modules: "All-Linear" }).length, 12);
  assert.throws(() => matched({ target_modules: "q_proj" }), /match nothing/);
  assert.throws(() => matched({ target_modules: "(" }), { code: "adapter/bad-regex" });
});

test("an expression that backtracks without end is stopped", () => {
  assert.throws(() => matched({ target_modules: "(([a-z._0-9]+)+)+!" }), { code: "adapter/bad-regex" });
});

test("exclusions, layers and fully trained modules are left out", () => {
  assert.deepEqual(matched({ target_modules: "all-linear", exclude_modules: ["c_proj", "v_proj"] }), [
    "0.q_proj",
    "1.q_proj",
    "2.q_proj",
  ]);
  assert.deepEqual(matched({ target_modules: ["q_proj"], layers_to_transform: 1 }), ["1.q_proj"]);
  assert.deepEqual(matched({ target_modules: ["q_proj"], layers_to_transform: [0, 2], layers_pattern: "layers" }), [
    "0.q_proj",
    "2.q_proj",
  ]);
  assert.throws(
    () => matched({ target_modules: ["q_proj"], layers_to_transform: [0], layers_pattern: "h" }),
    /match nothing/,
  );
  assert.throws(() => matched({ target_modules: ["lm_head"], modules_to_save: ["lm_head"] }), /match nothing/);
});

test("errors list the names there are", () => {
  assert.throws(() => matched({ target_modules: ["query"] }), { fix: "there are: c_proj, lm_head, q_proj, v_proj" });
  assert.throws(() => matched({ target_modules: ["embed_tokens"] }), /"model.embed_tokens" is not a Linear/);
  assert.throws(() => matched({ target_modules: null }), /no target modules/);
});

test("targets are shortened to endings that select the same modules", () => {
  const all = [...modules.keys()];
  const short = (targets: string[]): string[] =>
    shortestTargets(matchTargets(modules, { target_modules: targets }), all);
  assert.deepEqual(short(["q_proj", "v_proj"]), ["q_proj", "v_proj"]);
  assert.deepEqual(short(["mlp.c_proj"]), ["mlp.c_proj"]);
  assert.deepEqual(short(["1.self_attn.q_proj"]), ["1.self_attn.q_proj"]);
});
