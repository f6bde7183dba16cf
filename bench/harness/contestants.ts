/** How the processes of a comparison are started: Fettle as its users have it, the peer in f32 and under bf16. */
import { join } from "node:path";
import { packageRoot } from "../../src/base/package-root.ts";
import type { ContestantCommand } from "./contestant.ts";
import type { Job } from "./jobs.ts";
import type { Scratch } from "./scratch.ts";

/** What is measured: `bench/fettle/ROLE.ts` against `bench/peer/ROLE.py`. */
export type Role = "train" | "score";

export function fettleContestant(role: Role, job: Omit<Job, "precision">, scratch: Scratch): ContestantCommand {
  const path = scratch.writeJob(`${role}-fettle`, { ...job, precision: "auto" });
  return {
    name: "Fettle",
    command: process.execPath,
    args: [join(packageRoot, "dist/bench/fettle", `${role}.js`), path],
    env: {},
  };
}

/** The caller takes the faster of the two. None without a Python. */
export function peerContestants(
  role: Role,
  job: Omit<Job, "precision">,
  scratch: Scratch,
  python: string | undefined,
): ContestantCommand[] {
  if (python === undefined) return [];
  return (["f32", "bf16"] as const).map((precision) => ({
    name: `transformers + PEFT, ${precision}`,
    command: python,
    args: [
      join(packageRoot, "bench/peer", `${role}.py`),
      scratch.writeJob(`${role}-${precision}`, { ...job, precision }),
    ],
    env: {
      OMP_NUM_THREADS: String(job.threads),
      MKL_NUM_THREADS: String(job.threads),
      TOKENIZERS_PARALLELISM: "false",
      HF_HUB_OFFLINE: "1",
      PYTHONDONTWRITEBYTECODE: "1",
      // Without it the process would also start and hold whatever a GPU build brings along.
      CUDA_VISIBLE_DEVICES: "",
    },
  }));
}
