/** Another program, run with bounds, and without the settings of whoever runs it. */
import { execFile } from "node:child_process";
import { messageOf, UserError } from "../../base/errors.ts";

export interface ProgramCall {
  readonly path: string;
  readonly args: readonly string[];
  /** Working folder; also what the program takes for the home of its user. */
  readonly folder: string;
  /** Variables besides PATH. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Exit codes that mean the program did its work; default 0 alone. */
  readonly codes?: readonly number[];
  readonly seconds: number;
}

export interface ProgramOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** Bytes of output; the largest seen is 30 kB a file. */
const MAX_OUTPUT = 256 * 1024 * 1024;

/** Seconds for some files: a machine that is busy with twenty other things is waited for, a program that hangs is not. */
export function timeLimit(files: number): number {
  return 60 + files;
}

/** @throws UserError when it cannot be started, takes too long, writes too much, or ends with another exit code */
export function runProgram(call: ProgramCall): Promise<ProgramOutput> {
  const { path, args, folder, variables = {}, codes = [0], seconds } = call;
  const { PATH, LD_LIBRARY_PATH } = process.env;
  const env = { PATH, LD_LIBRARY_PATH, HOME: folder, LANG: "C.UTF-8", NO_COLOR: "1", ...variables };
  return new Promise((fulfil, reject) => {
    const options = {
      cwd: folder,
      env,
      timeout: seconds * 1000,
      killSignal: "SIGKILL",
      maxBuffer: MAX_OUTPUT,
    } as const;
    const child = execFile(path, args, options, (error, stdout, stderr) => {
      if (error === null || (typeof error.code === "number" && codes.includes(error.code))) fulfil({ stdout, stderr });
      else reject(failure(call, error, stderr));
    });
    child.stdin?.end();
  });
}

function failure({ path, seconds }: ProgramCall, error: Error & { killed?: boolean }, stderr: string): UserError {
  const code = (error as NodeJS.ErrnoException).code;
  const said = stderr.trim().split("\n").slice(-3).join(" ").slice(-300);
  const reason =
    String(code) === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER"
      ? `it wrote more than ${MAX_OUTPUT / 1024 ** 2} MiB`
      : error.killed === true
        ? `it took longer than ${seconds} seconds`
        : typeof code === "number"
          ? `exit code ${code}${said === "" ? "" : `: ${said}`}`
          : messageOf(error).slice(0, 300);
  return new UserError({ code: "tools/failed", message: `the program failed: ${reason}`, where: path, cause: error });
}
