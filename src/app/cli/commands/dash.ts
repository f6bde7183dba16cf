import { startDash } from "../../dash/start-dash.ts";
import { dashToken } from "../../environment.ts";
import { addExamples, type CommandModule } from "../command.ts";
import { interruptible } from "../interrupt.ts";
import { collect, wholeNumber } from "../options.ts";

interface DashFlags {
  readonly host: string;
  readonly port: number;
  readonly allowHost: readonly string[];
}

/** `fettle dash [FOLDER]` */
export const dash: CommandModule = {
  define(command) {
    command
      .argument("[folder]", "folder with runs, at any depth below it", "runs")
      .option(
        "--host <address>",
        "address to listen on; other than loopback only with FETTLE_DASH_TOKEN set",
        "127.0.0.1",
      )
      .option("--port <number>", "port to listen on; 0: any that is free", wholeNumber(0, 65_535), 7860)
      .option("--allow-host <name>", "further name that the dashboard may be called by", collect, []);
    addExamples(command, [
      ["fettle dash", "the runs below runs/, on http://127.0.0.1:7860"],
      [
        "FETTLE_DASH_TOKEN=$(openssl rand -hex 24) fettle dash --host 0.0.0.0",
        "for others too; the address it prints holds the token",
      ],
    ]);
  },

  async run(command, terminal) {
    const { host, port, allowHost } = command.opts<DashFlags>();
    const onBug = (error: unknown): void => terminal.log(String(error instanceof Error ? error.stack : error));
    const running = await startDash(command.processedArgs[0], {
      host,
      port,
      hosts: allowHost,
      token: dashToken(),
      onBug,
    });
    terminal.log(`dashboard on ${running.url}; Ctrl-C ends it, runs go on`);
    await interruptible(terminal, "now, runs go on", async (signal) => {
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
      await running.stop();
    });
    return { json: { kind: "dash", url: running.url } };
  },
};
