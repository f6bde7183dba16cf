/** A kernel that writes where nothing is. Nothing works in the process afterwards, so the file holds this test alone. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DriverError } from "../../src/engine/device/cuda/driver.ts";
import { type CudaLauncher, cudaFunction } from "../../src/engine/device/cuda/launcher.ts";
import { cudaSkip, openCudaForTests } from "../helpers/cuda.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-cuda-fault-"));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "fault.cu"), `extern "C" __global__ void astray(float *x) { x[0] = 1; }`);

test("a kernel's illegal address is told with the kernel's name, and the device can still be closed", {
  skip: cudaSkip,
}, () => {
  const astray = cudaFunction("fault.cu", "astray", "p");
  const kernels = {
    go_astray(cuda: CudaLauncher) {
      cuda.run(astray, { grid: [1], block: 1 }, [null]);
    },
  };
  const device = openCudaForTests({}, { kernels, sourceFolder: folder });
  assert.throws(
    () => {
      device.launch("go_astray", []);
      device.wait();
    },
    (error) => error instanceof DriverError && /ILLEGAL_ADDRESS.*astray/s.test(error.message),
  );
  device.close();
});
