import { isLaunched } from "../environment.ts";
import type { Terminal } from "./terminal.ts";

/** What a process ends with when a signal ends it, by the shell's convention: 128 + its number. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Runs work that can be stopped: the first Ctrl-C (or SIGTERM) aborts its signal, so that it ends in good order; a
 * second one ends the process at once.
 * @param when it stops, and what is kept: `after this step, with a checkpoint`
 */
export async function interruptible<T>(
  terminal: Terminal,
  when: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const onSignal = (name: keyof typeof exitCodes): void => {
    // Ctrl-C reaches whoever started this process too, who passes it on as SIGTERM.
    if (name === "SIGINT" && isLaunched()) return;
    if (controller.signal.aborted) process.exit(exitCodes[name]);
    terminal.log(`stopping ${when}; once more stops at once`);
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}
