/**
 * MPI, as far as it is used, from Open MPI's library: its handles are addresses of symbols that it exports. Other
 * implementations have other handles, and are refused.
 */
import koffi, { type LibraryHandle } from "koffi";
import { messageOf, UserError } from "../../../base/errors.ts";

const NAMES = ["libmpi.so.40", "libmpi.so", "libmpi.dylib"];
/** Where distributions and Open MPI's own installer put it, beside the loader's path. */
const FOLDERS = [
  "",
  "/usr/lib/x86_64-linux-gnu/openmpi/lib/",
  "/usr/lib/aarch64-linux-gnu/openmpi/lib/",
  "/usr/lib64/openmpi/lib/",
  "/opt/openmpi/lib/",
  "/usr/local/lib/",
];

/** Only the thread that started MPI calls it. */
const THREAD_FUNNELED = 1;
/** MPI_IN_PLACE of Open MPI. */
const IN_PLACE = 1;

/** Addresses and handles are numbers. */
type Call = (...args: unknown[]) => number;

export class Mpi {
  readonly #library: LibraryHandle;
  readonly #world: number;
  readonly #float: number;
  readonly #byte: number;
  readonly #sum: number;
  readonly #allReduce: Call;
  readonly #reduceHere: Call;
  readonly #reduceElsewhere: Call;
  readonly #broadcast: Call;
  readonly #test: Call;
  readonly #errorText: Call;

  /** Loads the library and starts MPI. @throws UserError where there is no Open MPI */
  constructor() {
    this.#library = load();
    const handle = (name: string): number => Number(koffi.address(this.#library.symbol(name, "void")));
    try {
      this.#world = handle("ompi_mpi_comm_world");
    } catch (cause) {
      throw new UserError({
        code: "processes/other-mpi",
        message: "the MPI that is installed is not Open MPI",
        fix: "start with Open MPI's mpirun, or by another way: fettle train --processes, torchrun, srun",
        cause,
      });
    }
    this.#float = handle("ompi_mpi_float");
    this.#byte = handle("ompi_mpi_byte");
    this.#sum = handle("ompi_mpi_op_sum");
    const call = (name: string, types: readonly string[]): Call => this.#library.func(name, "int", [...types]);
    const [n, i, p] = ["uint64", "int", "void *"] as const; // an address or handle, a number, an array of ours
    this.#allReduce = call("MPI_Iallreduce", [n, p, i, n, n, n, p]);
    this.#reduceHere = call("MPI_Ireduce", [n, p, i, n, n, i, n, p]);
    this.#reduceElsewhere = call("MPI_Ireduce", [p, n, i, n, n, i, n, p]);
    this.#broadcast = call("MPI_Ibcast", [p, i, n, i, n, p]);
    this.#test = call("MPI_Test", [p, p, n]);
    this.#errorText = call("MPI_Error_string", [i, p, p]);
    const provided = new Int32Array(1);
    this.#check("MPI_Init_thread", call("MPI_Init_thread", [n, n, i, p])(0, 0, THREAD_FUNNELED, provided));
    // Errors are to be returned, and told by us, rather than to end all processes.
    const returned = handle("ompi_mpi_errors_return");
    this.#check("MPI_Comm_set_errhandler", call("MPI_Comm_set_errhandler", [n, n])(this.#world, returned));
  }

  /** Rank and number of processes, as MPI has them. */
  place(): { readonly rank: number; readonly size: number } {
    const value = new Int32Array(1);
    const ask = (name: string): number => {
      this.#check(name, this.#library.func(name, "int", ["uint64", "void *"])(this.#world, value));
      return value[0]!;
    };
    return { rank: ask("MPI_Comm_rank"), size: ask("MPI_Comm_size") };
  }

  /** Sums f32 values over all, in place. */
  allReduce(bytes: Uint8Array): MpiRequest {
    return this.#start("MPI_Iallreduce", (request) =>
      this.#allReduce(IN_PLACE, bytes, bytes.length / 4, this.#float, this.#sum, this.#world, request),
    );
  }

  /** The same, on the root alone. */
  reduce(bytes: Uint8Array, root: number, isRoot: boolean): MpiRequest {
    return this.#start("MPI_Ireduce", (request) => {
      const rest = [bytes.length / 4, this.#float, this.#sum, root, this.#world, request];
      return isRoot ? this.#reduceHere(IN_PLACE, bytes, ...rest) : this.#reduceElsewhere(bytes, 0, ...rest);
    });
  }

  broadcast(bytes: Uint8Array, root: number): MpiRequest {
    return this.#start("MPI_Ibcast", (request) =>
      this.#broadcast(bytes, bytes.length, this.#byte, root, this.#world, request),
    );
  }

  /** Whether it is over; lets MPI go on with it. */
  isOver(request: MpiRequest): boolean {
    const flag = new Int32Array(1);
    this.#check("MPI_Test", this.#test(request, flag, 0));
    return flag[0] !== 0;
  }

  /** Once all processes are here. */
  finalize(): void {
    this.#check("MPI_Finalize", this.#library.func("MPI_Finalize", "int", [])());
  }

  #start(name: string, call: (request: MpiRequest) => number): MpiRequest {
    const request = new BigUint64Array(1);
    this.#check(name, call(request));
    return request;
  }

  #check(call: string, status: number): void {
    if (status === 0) return;
    const text = Buffer.alloc(512);
    const length = new Int32Array(1);
    this.#errorText(status, text, length);
    throw new Error(`${call}: ${text.toString("utf8", 0, length[0]) || `MPI error ${status}`}`);
  }
}

/** MPI_Request of something under way. */
export type MpiRequest = BigUint64Array;

function load(): LibraryHandle {
  let cause: unknown;
  for (const path of FOLDERS.flatMap((folder) => NAMES.map((name) => folder + name))) {
    try {
      // Its own components look for its symbols among those that all may see.
      return koffi.load(path, { global: true });
    } catch (error) {
      if (cause === undefined || !messageOf(error).includes("No such file")) cause = error;
    }
  }
  throw new UserError({
    code: "processes/no-mpi",
    message: `the processes were started by mpirun, and no MPI library can be loaded (${messageOf(cause)})`,
    fix: "install Open MPI (Debian: openmpi-bin), or start without MPI: fettle train --processes, torchrun, srun",
    cause,
  });
}
