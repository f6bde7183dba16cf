/** Where a process stands among those that train together; launchers tell it by environment variables. */
export interface ProcessPlace {
  /** 0 to size - 1. Rank 0 writes the run folder and speaks for all. */
  readonly rank: number;
  readonly size: number;
  /** Rank among the processes of this machine: which of its GPUs is taken. */
  readonly localRank: number;
  /** Processes of this machine, where the launcher says how many; they share its cores. */
  readonly localSize: number | undefined;
  /** Who started the processes, for people. */
  readonly launcher: string;
  /** Where rank 0 can be reached. */
  readonly address: string;
  /** The first of the ports that rank 0 may listen on. */
  readonly port: number;
  /** The same for all processes of a job, and another for every other job: who comes with another is not let in. */
  readonly job: string;
  /** Whether the processes can talk over MPI. */
  readonly mpi: boolean;
}
