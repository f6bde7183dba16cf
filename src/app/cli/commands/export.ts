import { InvalidArgumentError, Option } from "commander";
import type { GgmlType } from "../../../model/files/gguf-types.ts";
import { type ExportFormat, type ExportOptions, exportDtypes, exportFormats, exportModel } from "../../api/export.ts";
import { formatCount } from "../../report/format.ts";
import { addExamples, type CommandModule } from "../command.ts";
import { required } from "../options.ts";
import { printable } from "../printable.ts";

interface ExportFlags {
  readonly format?: ExportFormat;
  readonly output?: string;
  readonly dtype?: GgmlType;
  readonly base?: string;
  readonly maxDifference: number | "off";
  readonly device: NonNullable<ExportOptions["device"]>;
}

/** `fettle export MODEL --format FORMAT --output FOLDER` */
export const exportCommand: CommandModule = {
  define(command) {
    command
      .argument("<model>", "run folder, adapter folder or model folder; or ORG/NAME[@revision] on the hub")
      .addOption(
        new Option(
          "--format <format>",
          "safetensors: for transformers, merged; gguf: for llama.cpp and Ollama, merged; vllm: the adapter, checked (required)",
        ).choices(exportFormats),
      )
      .option("--output <folder>", "folder to be made (required)")
      .addOption(
        new Option("--dtype <type>", "of the weights; default: the base model's (q8_0 and q4_k: gguf only)").choices(
          exportDtypes,
        ),
      )
      .option("--base <model>", "the base model, where it is not what the run or adapter says: a folder, or ORG/NAME")
      .addOption(
        new Option(
          "--max-difference <number>",
          "merged, of a run with a validation set: refuse where log-probabilities of answers differ more in the mean than before, or off to measure nothing (default: 0.05; q8_0 and q4_k: no limit)",
        ).argParser(differenceOf),
      )
      .addOption(
        new Option("--device <device>", "where 4-bit bases are unpacked")
          .choices(["auto", "cuda", "cpu", "reference"])
          .default("auto"),
      );
    addExamples(command, [
      ["fettle export runs/quickstart --format safetensors --output exports/merged", "one model for transformers"],
      ["fettle export runs/quickstart --format gguf --dtype q8_0 --output exports/gguf", "for llama.cpp and Ollama"],
      ["fettle export runs/quickstart --format vllm --output exports/adapter", "an adapter that vLLM will take"],
    ]);
  },

  async run(command, terminal) {
    const { format, output, ...options } = command.opts<ExportFlags>();
    const exported = await exportModel(command.args[0]!, {
      ...options,
      format: required(format, "--format FORMAT"),
      output: required(output, "--output FOLDER"),
      onEvent: terminal.onEvent,
    });
    for (const [file, bytes] of Object.entries(exported.files)) {
      terminal.print(printable(`${exported.output}/${file}  ${formatCount(bytes)} bytes`));
    }
    terminal.print(printable(`use it: ${exported.usage}`));
    return { json: { kind: "export", ...exported } };
  },
};

function differenceOf(text: string): number | "off" {
  if (text === "off") return text;
  const value = Number(text);
  if (text.trim() !== "" && value >= 0) return value;
  throw new InvalidArgumentError("expected a number from 0 on, or off");
}
