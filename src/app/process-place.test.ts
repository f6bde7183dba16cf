/** Variables as the launchers' manuals have them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nameList } from "./node-list.ts";
import { processPlace } from "./process-place.ts";

test("torchrun: rank, size and where rank 0 is; its own store has the port", () => {
  const env = {
    ...{
      RANK: "3",
      WORLD_SIZE: "4",
      LOCAL_RANK: "1",
      LOCAL_WORLD_SIZE: "2",
      MASTER_ADDR: "node0",
      MASTER_PORT: "29500",
    },
    ...{ TORCHELASTIC_RUN_ID: "run", TORCHELASTIC_RESTART_COUNT: "1", TORCHELASTIC_USE_AGENT_STORE: "True" },
  };
  const { job, ...place } = processPlace(env)!;
  const expected = { rank: 3, size: 4, localRank: 1, localSize: 2, launcher: "torchrun", address: "node0" };
  assert.deepEqual(place, { ...expected, port: 29501, mpi: false });
  assert.notEqual(processPlace({ ...env, TORCHELASTIC_RESTART_COUNT: "2" })!.job, job);
  assert.equal(processPlace({ ...env, TORCHELASTIC_USE_AGENT_STORE: "False" })!.port, 29500);
});

test("Open MPI's mpirun: all on one machine need no address, on several one is asked for", () => {
  const env = {
    ...{ OMPI_COMM_WORLD_RANK: "1", OMPI_COMM_WORLD_SIZE: "2", OMPI_COMM_WORLD_LOCAL_RANK: "1" },
    ...{ OMPI_COMM_WORLD_LOCAL_SIZE: "2", PMIX_NAMESPACE: "1234" },
  };
  const place = processPlace(env)!;
  assert.deepEqual([place.rank, place.size, place.localRank, place.address, place.mpi], [1, 2, 1, "127.0.0.1", true]);
  assert.equal(processPlace({ ...env, OMPI_COMM_WORLD_RANK: "0" })!.port, place.port);
  const spread = { ...env, OMPI_COMM_WORLD_LOCAL_SIZE: "1" };
  assert.throws(() => processPlace(spread), /MASTER_ADDR does not name/);
  assert.equal(processPlace({ ...spread, MASTER_ADDR: "node0", MASTER_PORT: "1234" })!.port, 1234);
});

test("srun: a step's tasks; the batch script itself is alone", () => {
  const batch = { SLURM_JOB_ID: "77", SLURM_PROCID: "0", SLURM_LOCALID: "0", SLURM_NTASKS: "16" };
  assert.equal(processPlace(batch), undefined);
  const place = processPlace({
    ...{ ...batch, SLURM_PROCID: "9", SLURM_LOCALID: "1", SLURM_STEP_ID: "0", SLURM_STEP_NUM_TASKS: "16" },
    ...{ SLURM_STEP_NODELIST: "gpu[003-004]", SLURM_STEP_TASKS_PER_NODE: "8(x2)" },
  })!;
  assert.deepEqual(
    [place.rank, place.size, place.localRank, place.localSize, place.address, place.launcher],
    [9, 16, 1, 8, "gpu003", "srun"],
  );
});

test("a process alone, and values that cannot be", () => {
  assert.equal(processPlace({}), undefined);
  const env = { RANK: "0", WORLD_SIZE: "1", MASTER_ADDR: "a", MASTER_PORT: "1" };
  assert.equal(processPlace(env), undefined);
  assert.throws(() => processPlace({ ...env, WORLD_SIZE: "two" }), /WORLD_SIZE is "two", which is no number/);
  assert.throws(() => processPlace({ ...env, WORLD_SIZE: "2", RANK: "2" }), /rank 2 is none of 2/);
  assert.throws(() => processPlace({ RANK: "0", WORLD_SIZE: "2" }), /MASTER_ADDR and MASTER_PORT are not/);
});

test("SLURM's lists of nodes", () => {
  assert.deepEqual(nameList("gpu[001-003,7],login"), ["gpu001", "gpu002", "gpu003", "gpu7", "login"]);
  assert.deepEqual(nameList("r[1-2]n[09-10]"), ["r1n09", "r1n10", "r2n09", "r2n10"]);
  assert.deepEqual(nameList("node"), ["node"]);
  assert.deepEqual(nameList(""), []);
});
