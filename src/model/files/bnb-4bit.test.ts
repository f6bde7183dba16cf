import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { UserError } from "../../base/errors.ts";
import { packageRoot } from "../../base/package-root.ts";
import { accompanied, readBnb4bit } from "./bnb-4bit.ts";
import { ConfigJson } from "./config.ts";
import type { JsonObject } from "./json-file.ts";
import { isSkipped, readQuantizationConfig } from "./quantization-config.ts";
import { type TensorToWrite, writeSafetensors } from "./safetensors-write.ts";
import { openWeights } from "./weights.ts";

const nested = join(packageRoot, "tests/fixtures/bitsandbytes/nested-bf16");
const weight = "model.layers.0.mlp.up_proj.weight";

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "fettle-bnb-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

type Tensors = Map<string, Omit<TensorToWrite, "name">>;

/** One weight of the fixture, changed, as a checkpoint of its own. */
function withChange(change: (tensors: Tensors) => void): void {
  const tensors: Tensors = new Map();
  {
    using weights = openWeights(nested);
    for (const name of weights.names().filter((name) => name.startsWith(weight))) {
      tensors.set(name, { ...weights.info(name), bytes: new Uint8Array(weights.read(name)) });
    }
  }
  change(tensors);
  const list = [...tensors].map(([name, { dtype, shape, bytes }]) => ({ name, dtype, shape, bytes }));
  writeSafetensors(join(folder, "model.safetensors"), list);
}

function changeState(tensors: Tensors, changes: JsonObject): void {
  const name = `${weight}.quant_state.bitsandbytes__nf4`;
  const json = JSON.parse(Buffer.from(tensors.get(name)!.bytes as Uint8Array).toString()) as JsonObject;
  setState(tensors, JSON.stringify({ ...json, ...changes }));
}

function setState(tensors: Tensors, text: string | Uint8Array): void {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  tensors.set(`${weight}.quant_state.bitsandbytes__nf4`, { dtype: "U8", shape: [bytes.length], bytes });
}

function refused(change: (tensors: Tensors) => void, code: string, message: RegExp): void {
  withChange(change);
  using weights = openWeights(folder);
  assert.throws(
    () => readBnb4bit(weights),
    (error) => error instanceof UserError && error.code === code && message.test(error.message),
  );
}

test("what is said of a weight", () => {
  using weights = openWeights(nested);
  const states = readBnb4bit(weights);
  assert.equal(states.size, 7);
  const { nestedOffset, ...state } = states.get(weight)!;
  assert.deepEqual(state, { shape: [264, 64], blockSize: 64, dtype: "bfloat16" });
  assert.ok(nestedOffset! > 0.1 && nestedOffset! < 0.2);
  assert.equal(accompanied(`${weight}.nested_absmax`, states), weight);
  assert.equal(accompanied("model.norm.weight", states), undefined);
});

describe("4-bit weights that are not whole", () => {
  for (const ending of ["absmax", "quant_map", "nested_absmax", "nested_quant_map"]) {
    test(`without ${ending}`, () => {
      refused((tensors) => tensors.delete(`${weight}.${ending}`), "model/bad-4bit", new RegExp(`${ending}" is`));
    });
  }
  test("without quant_state", () => {
    refused(
      (tensors) => tensors.delete(`${weight}.quant_state.bitsandbytes__nf4`),
      "model/bad-4bit",
      /quant_state\.bitsandbytes__nf4" is not there/,
    );
  });
  test("without codes", () => {
    refused((tensors) => tensors.delete(weight), "files/no-tensor", /no tensor/);
  });

  const states: readonly (readonly [JsonObject, string, RegExp])[] = [
    [{ shape: [264, 63] }, "model/bad-4bit", /codes of \[264, 63\] take 8316 bytes/],
    [{ shape: [2 ** 40, 2 ** 40] }, "config/wrong-value", /"shape" must be a list of sizes/],
    [{ shape: [] }, "config/wrong-value", /"shape"/],
    [{ shape: null }, "config/wrong-value", /"shape"/],
    [{ shape: [-264, -64] }, "config/wrong-value", /"shape"/],
    [{ quant_type: "fp4" }, "config/quantized", /type "fp4"; only nf4/],
    [{ quant_type: "int3" }, "config/quantized", /type "int3"/],
    [{ blocksize: 128 }, "model/bad-4bit", /absmax" is U8 \[264\], not U8 \[132\]/],
    [{ blocksize: 0 }, "config/wrong-value", /"blocksize" must be an even number up to 4096/],
    [{ blocksize: 7 }, "config/wrong-value", /"blocksize"/],
    [{ blocksize: 65_536 }, "config/wrong-value", /"blocksize"/],
    [{ blocksize: "64" }, "config/wrong-value", /"blocksize"/],
    [{ dtype: "float64" }, "config/wrong-value", /"dtype" must be float32, float16, bfloat16/],
    [{ nested_blocksize: 128 }, "config/wrong-value", /"nested_blocksize"/],
    [{ nested_dtype: "float16" }, "config/wrong-value", /"nested_dtype"/],
    [{ nested_offset: "a" }, "config/wrong-value", /"nested_offset"/],
  ];
  for (const [changes, code, message] of states) {
    test(JSON.stringify(changes), () => refused((tensors) => changeState(tensors, changes), code, message));
  }

  test("scales of another number or dtype", () => {
    const bytes = new Uint8Array(4 * 263);
    const set = (dtype: "F32" | "U8", length: number) => (tensors: Tensors) => {
      const { length: size } = bytes.subarray(0, dtype === "F32" ? 4 * length : length);
      tensors.set(`${weight}.absmax`, { dtype, shape: [length], bytes: new Uint8Array(size) });
    };
    refused(set("U8", 263), "model/bad-4bit", /absmax" is U8 \[263\], not U8 \[264\]/);
    refused(set("F32", 263), "model/bad-4bit", /absmax" is F32 \[263\], not U8 \[264\]/);
  });

  test("a state that is no JSON", () => {
    refused((tensors) => setState(tensors, '{"quant_type": '), "files/bad-json", /too early/);
    refused((tensors) => setState(tensors, "[1]"), "files/bad-json", /JSON object/);
    refused((tensors) => setState(tensors, Uint8Array.of(0xff, 0xfe)), "model/bad-4bit", /UTF-8/);
    refused((tensors) => setState(tensors, " ".repeat(70_000)), "model/bad-4bit", /not the bytes of a JSON text/);
  });

  test("of another type, and in 8 bits", () => {
    refused(
      (tensors) => {
        tensors.set(`${weight}.quant_state.bitsandbytes__fp4`, tensors.get(`${weight}.quant_state.bitsandbytes__nf4`)!);
        tensors.delete(`${weight}.quant_state.bitsandbytes__nf4`);
      },
      "config/quantized",
      /type "fp4"/,
    );
    refused(
      (tensors) => {
        tensors.clear();
        tensors.set("a.weight", { dtype: "I8", shape: [2], bytes: new Uint8Array(2) });
        tensors.set("a.SCB", { dtype: "F32", shape: [1], bytes: new Uint8Array(4) });
      },
      "config/quantized",
      /8 bits \(LLM\.int8\)/,
    );
  });
});

describe("quantization_config", () => {
  const read = (quantization_config: JsonObject | undefined) =>
    readQuantizationConfig(new ConfigJson("config.json", quantization_config ? { quantization_config } : {}));

  test("of 4 bits", () => {
    assert.equal(read(undefined), undefined);
    assert.deepEqual(read({ load_in_4bit: true, bnb_4bit_use_double_quant: true, quant_method: "bitsandbytes" }), {
      doubleQuant: true,
      skipModules: null,
    });
  });

  test("of anything else is refused", () => {
    assert.throws(() => read({ quant_method: "gptq", bits: 4 }), /quantised by "gptq"/);
    assert.throws(() => read({ load_in_8bit: true }), /LLM\.int8/);
  });

  test("modules left as they are", () => {
    assert.ok(isSkipped({ doubleQuant: true, skipModules: null }, "lm_head"));
    const skips = { doubleQuant: true, skipModules: ["o_proj", "model.layers.3"] };
    assert.deepEqual(
      ["lm_head", "model.layers.0.self_attn.o_proj", "model.layers.3.mlp.up_proj", "model.layers.0.mlp.up_proj"].map(
        (module) => isSkipped(skips, module),
      ),
      [false, true, true, false],
    );
  });
});
