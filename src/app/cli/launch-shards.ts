/** Starts a sweep as several processes of this machine, each on a GPU of its own; what they say gets their number. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { UserError } from "../../base/errors.ts";
import { lookForCuda } from "../../engine/device/cuda/machine.ts";
import { deviceEnvironment } from "../environment.ts";
import type { Terminal } from "./terminal.ts";

/**
 * @param words of the sweep, after `fettle`
 * @returns the highest exit code
 * @throws UserError where there are fewer GPUs
 */
export async function launchShards(count: number, words: readonly string[], terminal: Terminal): Promise<number> {
  expectCards(count);
  const visible = process.env.CUDA_VISIBLE_DEVICES?.split(",").filter((name) => name.trim() !== "");
  const children = Array.from({ length: count }, (_, i) => {
    const card = visible === undefined ? String(i) : (visible[i] ?? "none");
    const own = { CUDA_VISIBLE_DEVICES: card, FETTLE_JOB: "sweep" };
    return spawn(process.execPath, [process.argv[1]!, ...words, "--shard", `${i + 1}/${count}`, "--json"], {
      env: { ...process.env, ...own },
      stdio: ["ignore", "ignore", "pipe"],
    });
  });
  const stop = (): void => {
    for (const child of children) child.kill("SIGTERM");
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  try {
    const codes = children.map(
      (child, i) =>
        new Promise<number>((resolve, reject) => {
          createInterface({ input: child.stderr }).on("line", (line) => terminal.log(`GPU ${i}: ${line}`));
          child.once("error", reject);
          child.once("close", (code) => resolve(code ?? 2));
        }),
    );
    return Math.max(...(await Promise.all(codes)));
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
    terminal.endProgress();
  }
}

function expectCards(count: number): void {
  const { cudaLibraries: folder, cudaRoots: roots } = deviceEnvironment();
  const { driver, obstacle } = lookForCuda({ folder, roots });
  const found = obstacle === undefined ? driver!.api.deviceCount() : 0;
  if (found >= count) return;
  throw new UserError({
    code: "sweep/too-few-gpus",
    message: `--gpus ${count}: ${obstacle?.reason ?? `there are ${found}`}`,
    fix: obstacle?.fix ?? `give --gpus ${found}`,
  });
}
