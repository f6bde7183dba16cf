/** Where launchers say that a process stands among those that they started. */
import { createHash } from "node:crypto";
import { UserError } from "../base/errors.ts";
import type { ProcessPlace } from "../engine/device/collective/process-place.ts";
import { nameList } from "./node-list.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** MPI and SLURM name no port: one that the job's number gives, among those that systems do not hand out by themselves. */
const FIRST_PORT = 15_000;
const PORT_COUNT = 10_000;

/**
 * Undefined for a process alone. In this order: the contract of torchrun (`RANK`, `WORLD_SIZE`, `LOCAL_RANK`,
 * `MASTER_ADDR`, `MASTER_PORT`), which Kubernetes' training operators keep to as well; Open MPI's mpirun; SLURM's srun.
 * @throws UserError for values that cannot be
 */
export function processPlace(env: Environment = process.env): ProcessPlace | undefined {
  const place = ofTorchrun(env) ?? ofMpirun(env) ?? ofSrun(env);
  if (place === undefined || place.size === 1) return undefined;
  if (place.rank < place.size) return place;
  throw wrong(`rank ${place.rank} is none of ${place.size} processes`, place.launcher);
}

function ofTorchrun(env: Environment): ProcessPlace | undefined {
  if (!env.RANK || !env.WORLD_SIZE) return undefined;
  const elastic = env.TORCHELASTIC_RUN_ID !== undefined;
  const launcher = env.FETTLE_JOB ? "fettle" : elastic ? "torchrun" : "RANK and WORLD_SIZE";
  const [address, port] = [env.MASTER_ADDR, env.MASTER_PORT];
  if (!address || !port) throw wrong("RANK and WORLD_SIZE are set, MASTER_ADDR and MASTER_PORT are not", launcher);
  const { TORCHELASTIC_RUN_ID: run, TORCHELASTIC_RESTART_COUNT: restarts } = env;
  // torchrun's own store listens on the port itself.
  const taken = env.TORCHELASTIC_USE_AGENT_STORE === "True" ? 1 : 0;
  return {
    rank: integer(env, "RANK"),
    size: integer(env, "WORLD_SIZE"),
    localRank: env.LOCAL_RANK ? integer(env, "LOCAL_RANK") : 0,
    localSize: env.LOCAL_WORLD_SIZE ? integer(env, "LOCAL_WORLD_SIZE") : undefined,
    launcher,
    address,
    port: integer(env, "MASTER_PORT") + taken,
    job: env.FETTLE_JOB ?? [run, restarts, address, port].join(" "),
    mpi: false,
  };
}

function ofMpirun(env: Environment): ProcessPlace | undefined {
  if (!env.OMPI_COMM_WORLD_RANK) return undefined;
  const size = integer(env, "OMPI_COMM_WORLD_SIZE");
  const localSize = integer(env, "OMPI_COMM_WORLD_LOCAL_SIZE");
  const job = env.PMIX_NAMESPACE ?? env.OMPI_MCA_ess_base_jobid ?? "mpirun";
  if (!env.MASTER_ADDR && localSize < size) {
    throw wrong("the processes are on several machines, and MASTER_ADDR does not name that of rank 0", "mpirun", {
      fix: 'give it to all of them: mpirun -x MASTER_ADDR="$(hostname)" …, started on the machine of rank 0',
    });
  }
  return {
    rank: integer(env, "OMPI_COMM_WORLD_RANK"),
    size,
    localRank: integer(env, "OMPI_COMM_WORLD_LOCAL_RANK"),
    localSize,
    launcher: "mpirun",
    address: env.MASTER_ADDR || "127.0.0.1",
    port: env.MASTER_PORT ? integer(env, "MASTER_PORT") : portOf(job),
    job,
    mpi: true,
  };
}

/** Of a step: in the batch script itself there is one process, whatever was asked for. */
function ofSrun(env: Environment): ProcessPlace | undefined {
  if (!env.SLURM_STEP_ID || !env.SLURM_PROCID) return undefined;
  const nodes = nameList(env.SLURM_STEP_NODELIST ?? env.SLURM_JOB_NODELIST ?? "");
  const address = env.MASTER_ADDR || nodes[0];
  if (!address) throw wrong("SLURM_STEP_NODELIST names no node", "srun");
  const job = `slurm ${env.SLURM_JOB_ID} ${env.SLURM_STEP_ID}`;
  const perNode = /^(\d+)(\(x\d+\))?$/.exec(env.SLURM_STEP_TASKS_PER_NODE ?? "")?.[1];
  return {
    rank: integer(env, "SLURM_PROCID"),
    size: integer(env, env.SLURM_STEP_NUM_TASKS ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS"),
    localRank: integer(env, "SLURM_LOCALID"),
    localSize: perNode === undefined ? undefined : Number(perNode),
    launcher: "srun",
    address,
    port: env.MASTER_PORT ? integer(env, "MASTER_PORT") : portOf(job),
    job,
    mpi: false,
  };
}

function portOf(job: string): number {
  return FIRST_PORT + (createHash("sha256").update(job).digest().readUInt32LE(0) % PORT_COUNT);
}

function integer(env: Environment, name: string): number {
  const text = env[name] ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw wrong(`${name} is "${text}", which is no number`, name);
}

function wrong(message: string, where: string, { fix }: { readonly fix?: string } = {}): UserError {
  const usual = "start the processes with fettle train --processes, torchrun --no-python, srun or mpirun, which set it";
  return new UserError({ code: "processes/environment", message, where, fix: fix ?? usual });
}
