import { checkTree } from "../../scan/check-tree.ts";
import type { FailOn } from "../../scan/config/scan-config-schema.ts";
import { openFindings, severityRank } from "../../scan/formats/finding-text.ts";
import { findFormat } from "../../scan/formats/formats.ts";
import { scanObject } from "../../scan/formats/json.ts";
import { scanTable } from "../../scan/formats/table.ts";
import { writeOutputs } from "../../scan/outputs.ts";
import type { ScanResult } from "../../scan/scan-result.ts";
import { addExamples, type CommandModule, type CommandOutcome } from "../command.ts";
import { interruptible } from "../interrupt.ts";
import { addDeviceOptions, loadOptions } from "../model-options.ts";
import { addScanOptions, type ScanRequest, scanRequest } from "../scan-options.ts";
import type { Terminal } from "../terminal.ts";

/** `fettle scan PATH... --model RUN` */
export const scan: CommandModule = {
  define(command) {
    addScanOptions(command);
    addDeviceOptions(command);
    addExamples(command, [
      ["fettle scan . --model runs/dockerfile-risks", "every Dockerfile of the tree"],
      ["fettle scan . --model runs/dockerfile-risks --fail-on high", "exit code 1 for findings of high severity on"],
      ['fettle scan src --model runs/java --files "*.java"', "a model that does not say which files it is for"],
      [
        "fettle scan . --format sarif --output scan.sarif --format github",
        "a file, and annotations on standard output",
      ],
      ["fettle scan . --diff-base origin/main", "only what a branch changed, by the model that .fettle.yaml names"],
      ["fettle scan . --baseline known.json --update-baseline", "what is there already fails no later scan"],
    ]);
  },

  async run(command, terminal) {
    const loading = { ...loadOptions(command, terminal), onEvent: terminal.onEvent };
    const { model, options, place, outputs, failOn } = await scanRequest(command, loading);
    const result = await interruptible(terminal, "after this step, what was scored is kept", (signal) =>
      checkTree(model, { ...options, signal }, place),
    );
    show(result, { place, outputs }, terminal);
    return outcomeOf(result, failOn);
  },
};

function show(
  result: ScanResult,
  { place, outputs }: Pick<ScanRequest, "place" | "outputs">,
  terminal: Terminal,
): void {
  const notes = [...writeOutputs(outputs.files, result, place)];
  if (outputs.stdout === undefined || outputs.stdout === "table") terminal.print(scanTable(result, terminal.colored));
  else {
    const written = findFormat(outputs.stdout).write(result, place);
    terminal.write(written.text);
    notes.push(...written.notes);
  }
  for (const message of notes) terminal.onEvent({ kind: "note", level: "warning", message });
}

function outcomeOf(result: ScanResult, failOn: FailOn): CommandOutcome {
  const failing =
    failOn !== "none" && openFindings(result).some(({ severity }) => severityRank(severity) >= severityRank(failOn));
  const whole = !result.problems.some(({ fatal }) => fatal);
  return { json: scanObject(result), passed: !failing, whole };
}
