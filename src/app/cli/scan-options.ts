/** What `fettle scan` is to do: by the command line, and where that says nothing, by the configuration of the tree. */
import { existsSync } from "node:fs";
import { dirname, relative } from "node:path";
import { type Command, Option } from "commander";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { absentBase } from "../../tune/train/base-model.ts";
import type { LoadModelOptions } from "../api/load-model.ts";
import type { CheckOptions } from "../scan/check-tree.ts";
import { findScanConfig, type ScanConfig } from "../scan/config/load-scan-config.ts";
import { FAIL_ON, type FailOn } from "../scan/config/scan-config-schema.ts";
import type { ScanPlace } from "../scan/formats/format.ts";
import { scanFormats } from "../scan/formats/formats.ts";
import { findRepository } from "../scan/git/find-repository.ts";
import { type Outputs, type OutputWord, pairOutputs, prepareOutputs } from "../scan/outputs.ts";
import { scanRoot } from "../scan/walk/scan-root.ts";
import { byteSize, collect } from "./options.ts";

interface ScanFlags {
  readonly model?: string;
  readonly files?: readonly string[];
  readonly exclude?: readonly string[];
  readonly onlyMatching?: true;
  readonly gitignore: boolean;
  readonly cache: boolean;
  readonly regions: boolean;
  readonly config: boolean;
  readonly maxFileSize?: number;
  readonly failOn?: FailOn;
  readonly format?: readonly OutputWord[];
  readonly baseline?: string;
  readonly updateBaseline?: true;
  readonly diffBase?: string;
  readonly json?: true;
}

export interface ScanRequest {
  readonly model: string;
  readonly options: CheckOptions;
  readonly place: ScanPlace;
  readonly outputs: Outputs;
  readonly failOn: FailOn;
}

export function addScanOptions(command: Command): void {
  const word = (before: readonly OutputWord[] | undefined, one: OutputWord): OutputWord[] => [...(before ?? []), one];
  command
    .argument("[paths...]", "files and folders; default: the working directory")
    .option("--model <model>", "run folder, adapter folder or model folder; or ORG/NAME[@revision] on the hub")
    .option("--base <model>", "the base model, where it is not what the run or adapter says: a folder, or ORG/NAME")
    .option("--files <glob>", "which files, in place of what the model says; may be given several times", collect)
    .option("--exclude <glob>", "which of them not; may be given several times", collect)
    .option("--only-matching", "of files that are named themselves, too, only those that the globs fit")
    .option("--no-gitignore", "scan what git leaves out too")
    .option("--no-cache", "take nothing from earlier scans, and keep nothing for later ones")
    .option("--no-regions", "tell files, not the lines that findings are about, which is quicker")
    .option("--no-config", "leave .fettle.yaml out")
    .option("--max-file-size <size>", "larger files are not scanned, and told; default 2MiB", byteSize)
    .option("--diff-base <commit>", "only what changed since HEAD and this commit parted")
    .option("--baseline <file>", "findings in this file are known, and fail nothing")
    .option("--update-baseline", "make the baseline of what is found now")
    .option(
      "--format <name>",
      `${scanFormats.map(({ name }) => name).join(", ")}; several times, each with an --output but one; default table`,
      (format: string, before: readonly OutputWord[] | undefined) => word(before, { format }),
    )
    .option("--output <file>", "write the format before it there, in place of standard output", (output: string) => {
      command.setOptionValue("format", word(command.getOptionValue("format"), { output }));
    })
    .addOption(
      new Option("--fail-on <severity>", "findings from this severity on make the exit code 1; default low").choices(
        FAIL_ON,
      ),
    );
}

/**
 * @param loading how the model is loaded
 * @throws UserError for what is wrong on the command line or in the configuration, before anything is scanned
 */
export async function scanRequest(
  command: Command,
  loading: LoadModelOptions & { readonly onEvent: EventSink },
): Promise<ScanRequest> {
  const flags = command.opts<ScanFlags>();
  const paths = command.args.length === 0 ? ["."] : command.args;
  const given = pairOutputs([...(flags.format ?? []), ...(flags.json ? [{ format: "json" }] : [])]);
  const start = scanRoot(paths, process.cwd());
  const top = await findRepository(start);
  const config = flags.config ? findScanConfig(start, top.root) : undefined;
  if (config !== undefined) tellConfig(config, start, loading.onEvent);
  const root = config === undefined ? start : dirname(config.path);
  const model = flags.model ?? configured(config, loading);
  if (model === undefined) throw withoutModel();
  const outputs = flags.format === undefined ? { ...given, files: config?.outputs ?? [] } : given;
  const baseline = flags.baseline ?? config?.baseline;
  prepareOutputs(outputs.files, [...paths, ...(baseline === undefined ? [] : [baseline])]);
  const { onlyMatching, gitignore, cache, regions, maxFileSize: maxFileBytes, updateBaseline, diffBase } = flags;
  return {
    model,
    outputs,
    failOn: flags.failOn ?? config?.failOn ?? "low",
    place: root === start ? top : await findRepository(root),
    options: {
      ...loading,
      ...{
        paths,
        root,
        onlyMatching,
        gitignore,
        cache,
        regions,
        maxFileBytes,
        updateBaseline,
        diffBase,
        baseline,
        overrides: config,
      },
      files: flags.files ?? config?.files,
      exclude: [...(config?.exclude ?? []), ...(flags.exclude ?? [])],
    },
  };
}

function tellConfig(config: ScanConfig, start: string, onEvent: EventSink): void {
  const reason = "it lies in the scanned tree; the command line counts more, and --no-config leaves it out";
  onEvent({ kind: "choice", name: "configuration", value: relative(start, config.path), reason });
}

/** The model of a tree is a folder of it; nothing is fetched because a tree says so. */
function configured(config: ScanConfig | undefined, { base }: LoadModelOptions): string | undefined {
  if (config?.model === undefined) return undefined;
  const { model, where } = config;
  const refused = (message: string, fix: string): UserError =>
    new UserError({ code: "scan/config-model", message, where: where(["model"]), fix });
  if (!existsSync(model)) {
    throw refused(
      "there is no such folder in the tree",
      "give a model that lies elsewhere, or on the hub, with --model",
    );
  }
  const absent = base === undefined ? absentBase(model) : undefined;
  if (absent !== undefined) {
    throw refused(
      `the model builds on ${absent.repo}, which is not here, and is not fetched because a tree says so`,
      `say it: --base ${absent.repo}; or fetch it first: fettle pull ${absent.repo}`,
    );
  }
  return model;
}

function withoutModel(): UserError {
  return new UserError({
    code: "cli/missing-option",
    message: "--model is missing",
    fix: "give a run, an adapter, a model, or ORG/NAME on the hub; or write `model: FOLDER` into .fettle.yaml",
  });
}
