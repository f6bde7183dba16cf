import { readComparison } from "../../api/comparison-file.ts";
import { writeReport } from "../../api/report.ts";
import { addExamples, type CommandModule } from "../command.ts";

interface ReportFlags {
  readonly title?: string;
  readonly output?: string;
  readonly comparison?: string;
}

/** `fettle report RUN...` */
export const report: CommandModule = {
  define(command) {
    command
      .argument("<runs...>", "folders of finished runs")
      .option("--title <text>", "heading; default: the folder's name")
      .option("--output <file>", "page to write; default: report.html in the run's folder, or here for several runs")
      .option("--comparison <file>", "what `fettle compare --output` wrote, to be shown");
    addExamples(command, [
      ["fettle report runs/mine", "writes runs/mine/report.html, with the scores of the last `fettle eval runs/mine`"],
      ["fettle report runs/a runs/b --comparison comparison.json --output ab.html", "two runs side by side"],
    ]);
  },

  async run(command, terminal) {
    const { comparison: file, ...options } = command.opts<ReportFlags>();
    const comparison = file === undefined ? undefined : readComparison(file);
    const path = await writeReport(command.args, { ...options, comparison });
    terminal.print(path);
    return { json: { kind: "report", report: path } };
  },
};
