import { Option } from "commander";
import { SEVERITIES, type Severity } from "../../../base/taxonomy/taxonomy.ts";
import { openFindings, severityRank } from "../../scan/formats/finding-text.ts";
import { scanObject } from "../../scan/formats/json.ts";
import { scanTable } from "../../scan/formats/table.ts";
import { scan as scanFiles } from "../../scan/scan.ts";
import type { ScanResult } from "../../scan/scan-result.ts";
import { addExamples, type CommandModule, type CommandOutcome } from "../command.ts";
import { interruptible } from "../interrupt.ts";
import { addDeviceOptions, loadOptions } from "../model-options.ts";
import { byteSize, collect, required } from "../options.ts";

interface ScanFlags {
  readonly model?: string;
  readonly files?: readonly string[];
  readonly gitignore: boolean;
  readonly cache: boolean;
  readonly maxFileSize?: number;
  readonly failOn: Severity | "none";
}

/** `fettle scan PATH... --model RUN` */
export const scan: CommandModule = {
  define(command) {
    command
      .argument("[paths...]", "files and folders; default: the working directory")
      .option("--model <model>", "run folder, adapter folder or model folder; or ORG/NAME[@revision] on the hub")
      .option("--base <model>", "the base model, where it is not what the run or adapter says: a folder, or ORG/NAME")
      .option("--files <glob>", "which files, in place of what the model says; may be given several times", collect)
      .option("--no-gitignore", "scan what git leaves out too")
      .option("--no-cache", "take nothing from earlier scans, and keep nothing for later ones")
      .option("--max-file-size <size>", "larger files are not scanned, and told; default 2MiB", byteSize)
      .addOption(
        new Option("--fail-on <severity>", "findings from this severity on make the exit code 1")
          .choices([...SEVERITIES, "none"])
          .default("low"),
      );
    addDeviceOptions(command);
    addExamples(command, [
      ["fettle scan . --model runs/dockerfile-risks", "every Dockerfile of the tree"],
      ["fettle scan . --model runs/dockerfile-risks --fail-on high", "exit code 1 for findings of high severity on"],
      ['fettle scan src --model runs/java --files "*.java"', "a model that does not say which files it is for"],
    ]);
  },

  async run(command, terminal) {
    const { files, gitignore, cache, maxFileSize: maxFileBytes, failOn: least } = command.opts<ScanFlags>();
    const model = required(command.opts<ScanFlags>().model, "--model");
    const paths = command.args.length === 0 ? ["."] : command.args;
    const result = await interruptible(terminal, "after this step, what was scored is kept", (signal) =>
      scanFiles(model, { ...loadOptions(command, terminal), paths, files, gitignore, cache, maxFileBytes, signal }),
    );
    const failOn = least === "none" ? undefined : least;
    terminal.print(scanTable(result, terminal.colored));
    return outcomeOf(result, failOn);
  },
};

function outcomeOf(result: ScanResult, failOn: Severity | undefined): CommandOutcome {
  const failing =
    failOn !== undefined && openFindings(result).some(({ severity }) => severityRank(severity) >= severityRank(failOn));
  const whole = !result.problems.some(({ fatal }) => fatal);
  return { json: scanObject(result), passed: !failing, whole };
}
