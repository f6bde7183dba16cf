/** NCCL's functions, as far as they are used, and the names of nccl.h. Handles and device addresses are numbers. */
import koffi, { type LibraryHandle } from "koffi";
import { UserError } from "../../../base/errors.ts";
import type { DType } from "../device.ts";

/** ncclUniqueId: what rank 0 makes and all others are given, to find each other. */
export const UNIQUE_ID_BYTES = 128;

/** ncclDataType_t */
const dataTypes: Readonly<Record<DType, number>> = { u8: 1, i32: 2, f32: 7, bf16: 9 };
/** ncclRedOp_t */
const SUM = 0;
/** ncclResult_t: still under way, which is no error. */
const IN_PROGRESS = 7;

/** Most return an ncclResult_t. */
type Call = (...args: unknown[]) => number;

/** ncclUniqueId, which is passed by value. */
const uniqueId = koffi.struct({ internal: koffi.array("uint8", UNIQUE_ID_BYTES, "Typed") });

export class Nccl {
  readonly #calls: ReturnType<typeof bind>;

  /** @param library libnccl */
  constructor(library: LibraryHandle) {
    this.#calls = bind(library);
  }

  makeUniqueId(): Uint8Array {
    const id = new Uint8Array(UNIQUE_ID_BYTES);
    this.#check("ncclGetUniqueId", this.#calls.getUniqueId(id));
    return id;
  }

  /** Returns when all ranks have called it. The communicator belongs to the card that is current in this thread. */
  join(size: number, id: Uint8Array, rank: number): number {
    const communicator = new BigUint64Array(1);
    this.#check("ncclCommInitRank", this.#calls.initRank(communicator, size, { internal: id }, rank));
    return Number(communicator[0]);
  }

  /** What `body` calls becomes one launch. */
  together(body: () => void): void {
    this.#check("ncclGroupStart", this.#calls.groupStart());
    try {
      body();
    } finally {
      this.#check("ncclGroupEnd", this.#calls.groupEnd());
    }
  }

  /** Sums over all ranks, in place. */
  allReduce(address: number, count: number, dtype: DType, communicator: number, stream: number): void {
    const status = this.#calls.allReduce(address, address, count, dataTypes[dtype], SUM, communicator, stream);
    this.#check("ncclAllReduce", status, communicator);
  }

  reduce(address: number, count: number, dtype: DType, root: number, communicator: number, stream: number): void {
    const status = this.#calls.reduce(address, address, count, dataTypes[dtype], SUM, root, communicator, stream);
    this.#check("ncclReduce", status, communicator);
  }

  broadcast(address: number, count: number, dtype: DType, root: number, communicator: number, stream: number): void {
    const status = this.#calls.broadcast(address, address, count, dataTypes[dtype], root, communicator, stream);
    this.#check("ncclBroadcast", status, communicator);
  }

  /** @throws UserError where something that was launched has failed since */
  checkAsync(communicator: number): void {
    const status = new Int32Array(1);
    this.#check("ncclCommGetAsyncError", this.#calls.asyncError(communicator, status), communicator);
    if (status[0] !== IN_PROGRESS) this.#check("a collective of NCCL", status[0]!, communicator);
  }

  /** Once all ranks are done. */
  leave(communicator: number): void {
    this.#check("ncclCommDestroy", this.#calls.destroy(communicator));
  }

  /** Ends what is under way, also where another rank will never come. */
  abort(communicator: number): void {
    this.#check("ncclCommAbort", this.#calls.abort(communicator));
  }

  #check(call: string, status: number, communicator = 0): void {
    if (status === 0) return;
    const name = this.#calls.errorString(status) ?? `NCCL error ${status}`;
    const last = this.#calls.lastError?.(communicator) || "";
    throw new UserError({
      code: "processes/nccl",
      message: `NCCL failed: ${call}: ${name}${last.trim() === "" ? "" : ` (${last.trim()})`}`,
      fix: "see that every process has a GPU of its own, and that its driver is new enough; NCCL_DEBUG=INFO tells more",
    });
  }
}

/** `2.29.7` */
export function ncclVersion(library: LibraryHandle): string {
  const version = new Int32Array(1);
  library.func("ncclGetVersion", "int", ["void *"])(version);
  const number = version[0]!;
  return `${Math.floor(number / 10_000)}.${Math.floor((number % 10_000) / 100)}.${number % 100}`;
}

function bind(library: LibraryHandle) {
  const call = (name: string, parameters: readonly unknown[]): Call =>
    library.func(name, "int", parameters as string[]);
  const text = (name: string, parameter: string): ((value: number) => string | null) =>
    library.func(name, "const char *", [parameter]);
  const [p, n, at, i] = ["void *", "uint64", "uint64", "int"] as const; // host array, handle, device address, number
  return {
    getUniqueId: call("ncclGetUniqueId", [p]),
    initRank: call("ncclCommInitRank", [p, i, uniqueId, i]),
    groupStart: call("ncclGroupStart", []),
    groupEnd: call("ncclGroupEnd", []),
    allReduce: call("ncclAllReduce", [at, at, "size_t", i, i, n, n]),
    reduce: call("ncclReduce", [at, at, "size_t", i, i, i, n, n]),
    broadcast: call("ncclBroadcast", [at, at, "size_t", i, i, n, n]),
    asyncError: call("ncclCommGetAsyncError", [n, p]),
    destroy: call("ncclCommDestroy", [n]),
    abort: call("ncclCommAbort", [n]),
    errorString: text("ncclGetErrorString", "int"),
    lastError: text("ncclGetLastError", "uint64"),
  };
}
