/** NVRTC, the CUDA compiler as a library: text of a `.cu` file into machine code. */
import type { LibraryHandle } from "koffi";

export interface NvrtcSource {
  /** Name that messages give the text. */
  readonly name: string;
  readonly text: string;
  /** What `#include` finds, by name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly options: readonly string[];
  /** Whether it uses instructions that one architecture alone has; such code does not run on later ones. */
  readonly specific?: boolean;
}

/** With the compiler's words: about the mistakes, or what the options asked it to tell. */
export type NvrtcOutcome =
  | { readonly ok: true; readonly image: Uint8Array; readonly log: string }
  | { readonly ok: false; readonly log: string };

type Call = (...args: unknown[]) => number;

/** NVRTC_ERROR_COMPILATION: mistakes in the text, in the log. */
const COMPILATION_FAILED = 6;

export class Nvrtc {
  /** Such as `13.0`. */
  readonly version: string;
  readonly #calls: ReturnType<typeof bind>;
  readonly #errorText: (status: number) => string;
  /** Architectures it knows machine code of: 80, 90, … */
  readonly #architectures: readonly number[];

  /** @param library libnvrtc */
  constructor(library: LibraryHandle) {
    this.#calls = bind(library);
    this.#errorText = library.func("nvrtcGetErrorString", "const char *", ["int"]);
    this.version = nvrtcVersion(library);
    const count = new Int32Array(1);
    this.#check("nvrtcGetNumSupportedArchs", this.#calls.architectureCount(count));
    const architectures = new Int32Array(count[0]!);
    this.#check("nvrtcGetSupportedArchs", this.#calls.architectures(architectures));
    this.#architectures = [...architectures].sort((a, b) => a - b);
  }

  /**
   * For a card of `architecture` (90 for 9.0): CUBIN, or, for cards that are newer than this NVRTC, PTX of the newest
   * architecture it knows, which the driver translates.
   * @throws Error when NVRTC itself fails
   */
  compile(source: NvrtcSource, architecture: number): NvrtcOutcome {
    const known = this.#architectures.includes(architecture);
    const nearest = this.#architectures.findLast((candidate) => candidate <= architecture) ?? architecture;
    const suffix = source.specific ? "a" : "";
    const target = known ? `sm_${architecture}${suffix}` : `compute_${nearest}`;
    const options = [`--gpu-architecture=${target}`, ...source.options];
    const headers = Object.entries(source.headers);
    const out = new BigUint64Array(1);
    this.#check(
      "nvrtcCreateProgram",
      this.#calls.create(
        out,
        source.text,
        source.name,
        headers.length,
        headers.map(([, text]) => text),
        headers.map(([name]) => name),
      ),
    );
    const program = Number(out[0]);
    try {
      const status = this.#calls.compile(program, options.length, options);
      if (status === COMPILATION_FAILED) return { ok: false, log: this.#log(program) };
      if (status !== 0) throw new Error(`nvrtcCompileProgram: ${this.#errorText(status)}; ${this.#log(program)}`);
      const { cubinSize, cubin, ptxSize, ptx } = this.#calls;
      const image = known ? this.#bytes(program, cubinSize, cubin) : this.#bytes(program, ptxSize, ptx);
      return { ok: true, image, log: this.#log(program) };
    } finally {
      this.#calls.destroy(BigUint64Array.of(BigInt(program)));
    }
  }

  #log(program: number): string {
    const log = Buffer.from(this.#bytes(program, this.#calls.logSize, this.#calls.log));
    return log.toString("utf8").replace(/\0$/, "").trimEnd();
  }

  #bytes(program: number, sizeCall: Call, call: Call): Uint8Array {
    const size = new BigUint64Array(1);
    this.#check("NVRTC", sizeCall(program, size));
    const bytes = new Uint8Array(Number(size[0]));
    this.#check("NVRTC", call(program, bytes));
    return bytes;
  }

  #check(call: string, status: number): void {
    if (status !== 0) throw new Error(`${call}: ${this.#errorText(status)}`);
  }
}

/** `13.0` */
export function nvrtcVersion(library: LibraryHandle): string {
  const [major, minor] = [new Int32Array(1), new Int32Array(1)];
  library.func("nvrtcVersion", "int", ["void *", "void *"])(major, minor);
  return `${major[0]}.${minor[0]}`;
}

function bind(library: LibraryHandle) {
  const call = (name: string, parameters: readonly string[]): Call => library.func(name, "int", [...parameters]);
  const texts = "const char **";
  return {
    architectureCount: call("nvrtcGetNumSupportedArchs", ["void *"]),
    architectures: call("nvrtcGetSupportedArchs", ["void *"]),
    create: call("nvrtcCreateProgram", ["void *", "const char *", "const char *", "int", texts, texts]),
    destroy: call("nvrtcDestroyProgram", ["void *"]),
    compile: call("nvrtcCompileProgram", ["uint64", "int", texts]),
    cubinSize: call("nvrtcGetCUBINSize", ["uint64", "void *"]),
    cubin: call("nvrtcGetCUBIN", ["uint64", "void *"]),
    ptxSize: call("nvrtcGetPTXSize", ["uint64", "void *"]),
    ptx: call("nvrtcGetPTX", ["uint64", "void *"]),
    logSize: call("nvrtcGetProgramLogSize", ["uint64", "void *"]),
    log: call("nvrtcGetProgramLog", ["uint64", "void *"]),
  };
}
