import { writeReport } from "../../api/report-of-run.ts";
import { addExamples, type CommandModule } from "../command.ts";

/** `fettle report RUN` */
export const report: CommandModule = {
  define(command) {
    command
      .argument("<run>", "folder of a finished run")
      .option("--title <text>", "heading; default: the folder's name");
    addExamples(command, [
      ["fettle report runs/mine", "writes runs/mine/report.html, with the scores of the last `fettle eval runs/mine`"],
    ]);
  },

  async run(command, terminal) {
    const path = await writeReport(command.args[0]!, command.opts<{ readonly title?: string }>());
    terminal.print(path);
    return { json: { kind: "report", report: path } };
  },
};
