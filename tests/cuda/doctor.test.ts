import assert from "node:assert/strict";
import { test } from "node:test";
import { fettleJson } from "../helpers/cli.ts";
import { cudaSkip, cudaVariables } from "../helpers/cuda.ts";

test("doctor: driver, GPU and libraries with their places, and a product that is right", {
  skip: cudaSkip,
}, async () => {
  const { checks } = await fettleJson(["doctor"], 0, { env: cudaVariables() });
  const found = new Map(
    (checks as { name: string; status: string; found: string }[]).map((check) => [check.name, check]),
  );
  for (const name of ["NVIDIA driver", "GPU", "NVRTC", "cuBLASLt", "device cuda"]) {
    assert.equal(found.get(name)?.status, "ok", `${name}: ${found.get(name)?.found}`);
  }
  assert.match(found.get("NVIDIA driver")!.found, /for CUDA \d+\.\d+, .*libcuda/);
  assert.match(found.get("GPU")!.found, /GB, compute capability \d+\.\d/);
  assert.match(found.get("NVRTC")!.found, /\d+\.\d+, .*libnvrtc/);
});
